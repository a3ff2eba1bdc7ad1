import { createHash } from 'node:crypto';
import { type Gpa, hexAddress } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { Errno } from '@sevlab/guest-kernel-sim/errno';
import type { KvmAnswer, KvmBlob, LaunchSecret, LaunchStart, SevCalls } from '@sevlab/vmm-sim/kvm/sev-calls';
import type { HostCall, HostCallName } from '../case.ts';
import type { StartVmmRequest } from '../exec/protocol.ts';

/** What the kernel below a VMM under test has; a case names these bytes. */
export const STAND_IN = {
  apiMajor: 1,
  apiMinor: 55,
  build: 21,
  handle: 1,
  /** MEASURE and MNONCE: 0, 1, 2 and so on. */
  measurement: Uint8Array.from({ length: 48 }, (_, i) => i),
  pdh: new Uint8Array(2084).fill(0x50),
  certChain: new Uint8Array(6252).fill(0x43),
  id: new Uint8Array(64).fill(0x49),
  /** Of a report: MNONCE, then this byte. */
  report: 0x52,
} as const;

const REPORT_SIZE = 208;
const DONE: KvmAnswer = { ret: 0, fwError: 0 };

/**
 * KVM and /dev/sev for a VMM: they answer what the case says, otherwise that all is well, and keep what they were asked.
 * No AMD-SP is behind them, so that what a VMM makes of an answer can be seen for any answer.
 */
export class StandInHost implements SevCalls {
  readonly available: boolean;
  readonly cbitpos = 0;
  readonly calls: HostCall[] = [];
  readonly #answers: StartVmmRequest['host'];
  readonly #read: (address: Gpa, length: number) => Uint8Array;

  constructor(
    answers: StartVmmRequest['host'],
    options: { readonly available: boolean; readonly read: (address: Gpa, length: number) => Uint8Array },
  ) {
    this.#answers = answers;
    this.available = options.available;
    this.#read = options.read;
  }

  platformStatus() {
    const { apiMajor, apiMinor, build } = STAND_IN;
    return { ...this.#ask('SEV_PLATFORM_STATUS'), apiMajor, apiMinor, build };
  }

  pdhCertExport() {
    const { pdh, certChain } = STAND_IN;
    return { ...this.#ask('SEV_PDH_CERT_EXPORT'), pdh, certChain };
  }

  getId() {
    return { ...this.#ask('SEV_GET_ID2'), id: STAND_IN.id };
  }

  init(es: boolean) {
    return this.#ask(es ? 'KVM_SEV_ES_INIT' : 'KVM_SEV_INIT');
  }

  launchStart({ policy, handle, dhCert, session }: LaunchStart) {
    const blobs = {
      ...(dhCert && { dhCert: toHex(dhCert) }),
      ...(session && { session: toHex(session) }),
    };
    return { ...this.#ask('KVM_SEV_LAUNCH_START', { policy, handle, ...blobs }), handle: STAND_IN.handle };
  }

  launchUpdateData(address: Gpa, length: number) {
    const sha256 = createHash('sha256').update(this.#read(address, length)).digest('hex');
    return this.#ask('KVM_SEV_LAUNCH_UPDATE_DATA', { length, sha256 });
  }

  launchUpdateVmsa() {
    return this.#ask('KVM_SEV_LAUNCH_UPDATE_VMSA');
  }

  launchMeasure(room: number): KvmBlob {
    return this.#blob('KVM_SEV_LAUNCH_MEASURE', { length: room }, STAND_IN.measurement);
  }

  launchSecret({ header, gpa, secret }: LaunchSecret) {
    const lengths = { headerLength: header.length, length: secret.length };
    return this.#ask('KVM_SEV_LAUNCH_SECRET', { gpa: hexAddress(gpa), ...lengths });
  }

  launchFinish() {
    return this.#ask('KVM_SEV_LAUNCH_FINISH');
  }

  attestationReport(mnonce: Uint8Array, room: number): KvmBlob {
    const report = new Uint8Array(REPORT_SIZE).fill(STAND_IN.report);
    report.set(mnonce);
    return this.#blob('KVM_SEV_GET_ATTESTATION_REPORT', { length: room, mnonce: toHex(mnonce) }, report);
  }

  /** With no room the length is told, in an answer of its own. */
  #blob(call: HostCallName, asked: Omit<HostCall, 'call'>, bytes: Uint8Array): KvmBlob {
    const { length } = bytes;
    if (asked.length !== 0) return { ...this.#ask(call, asked), length, bytes };
    this.calls.push({ call, ...asked });
    return { ret: -Errno.EIO, fwError: SEV_STATUS.INVALID_LENGTH.code, length, bytes: new Uint8Array() };
  }

  #ask(call: HostCallName, asked: Omit<HostCall, 'call'> = {}): KvmAnswer {
    this.calls.push({ call, ...asked });
    const answer = this.#answers.find((each) => each.call === call);
    return answer === undefined ? DONE : { ret: -answer.errno, fwError: answer.status };
  }
}
