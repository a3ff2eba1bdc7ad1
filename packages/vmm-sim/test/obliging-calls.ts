import type { KvmAnswer, SevCalls } from '../src/kvm/sev-calls.ts';

const DONE: KvmAnswer = { ret: 0, fwError: 0 };
const blob = (bytes: Uint8Array) => (room: number) =>
  room === 0
    ? { ret: -5, fwError: 4, length: bytes.length, bytes: new Uint8Array() }
    : { ...DONE, length: bytes.length, bytes };

/** KVM and an AMD-SP that agree to everything, but for a packet that starts with 0xff. */
export const OBLIGING_CALLS: SevCalls = {
  ...{ available: true, cbitpos: 51 },
  platformStatus: () => ({ ...DONE, apiMajor: 1, apiMinor: 55, build: 25 }),
  pdhCertExport: () => ({ ...DONE, pdh: new Uint8Array(3), certChain: new Uint8Array(6) }),
  getId: () => ({ ...DONE, id: new Uint8Array(64) }),
  init: () => DONE,
  launchStart: () => ({ ...DONE, handle: 7 }),
  launchUpdateData: () => DONE,
  launchUpdateVmsa: () => DONE,
  launchMeasure: blob(new Uint8Array(48).fill(9)),
  launchSecret: ({ secret }) => (secret[0] === 0xff ? { ret: -5, fwError: 11 } : DONE),
  launchFinish: () => DONE,
  attestationReport: (_, room) => blob(new Uint8Array(208))(room),
};
