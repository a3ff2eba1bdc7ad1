import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  HandleBuffer,
  LaunchUpdateBuffer,
  ReceiveStartBuffer,
  SendStartBuffer,
  SendUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { signCek } from '@sevlab/sev-channel/amd-certificate';
import { EMULATED_ARK, EMULATED_ASK, emulatedAskPrivateKey } from '@sevlab/sev-channel/emulated-root';
import { expectSuccess, launchGuest, measureGuest, type Platform, startBuffer } from './platform.ts';

/** What a running guest has in its memory, two pages. */
export const CONTENT: Uint8Array = Uint8Array.from({ length: 8192 }, (_, i) => (i * 13) & 0xff);

/** A guest in RUNNING with CONTENT at `paddr`. */
export function runningGuest(platform: Platform, policy = 1) {
  const handle = launchGuest(platform, policy);
  const paddr = platform.place(CONTENT);
  const update = { handle, paddr, length: CONTENT.length };
  expectSuccess(platform.run('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, update).status);
  measureGuest(platform, handle);
  expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
  return { handle, paddr };
}

/** The certificates of a platform as its operator hands them out, the CEK signed by the emulated key server. */
export function certificatesOf({ sp }: Platform) {
  const { pdh, pek, oca } = sp.identity;
  const cek = signCek(sp.cek.certificate, emulatedAskPrivateKey(), seededEntropy('test', 'key server'));
  return {
    pdh: pdh.certificate,
    platform: [pek.certificate, oca.certificate, cek] as const,
    amd: [EMULATED_ASK, EMULATED_ARK] as const,
  };
}
export type Certificates = ReturnType<typeof certificatesOf>;

/** SEND_START of that guest to the platform with those certificates. */
export function sendStartBuffer(platform: Platform, handle: number, to: Certificates): SendStartBuffer {
  const platCerts = concat(...to.platform.map((certificate) => SevCertificate.encode(certificate)));
  const amdCerts = concat(...to.amd);
  return {
    handle,
    policy: 0,
    pdhCertPaddr: platform.place(SevCertificate.encode(to.pdh)),
    pdhCertLen: SevCertificate.size,
    platCertsPaddr: platform.place(platCerts),
    platCertsLen: platCerts.length,
    amdCertsPaddr: platform.place(amdCerts),
    amdCertsLen: amdCerts.length,
    sessionPaddr: platform.place(new Uint8Array(LaunchSession.size)),
    sessionLen: LaunchSession.size,
  };
}

/** SEND_START; what came out. */
export function sendStart(platform: Platform, handle: number, to: Certificates) {
  const { status, value } = platform.run(
    'SEND_START',
    SendStartBuffer,
    sendStartBuffer(platform, handle, to),
  );
  expectSuccess(status);
  const session = LaunchSession.decode(
    platform.machine.host.memory.read(value.sessionPaddr, LaunchSession.size),
  );
  return { session, policy: value.policy };
}

/** SEND_UPDATE_DATA or _VMSA of a range of the guest's memory; the packet. */
export function sendUpdate(
  platform: Platform,
  name: 'SEND_UPDATE_DATA' | 'SEND_UPDATE_VMSA',
  { handle, guestPaddr, guestLen }: Pick<SendUpdateBuffer, 'handle' | 'guestPaddr' | 'guestLen'>,
) {
  const { status, value } = platform.run(name, SendUpdateBuffer, {
    handle,
    guestPaddr,
    guestLen,
    hdrPaddr: platform.place(new Uint8Array(PacketHeader.size)),
    hdrLen: PacketHeader.size,
    transPaddr: platform.place(new Uint8Array(guestLen)),
    transLen: guestLen,
  });
  expectSuccess(status);
  const { memory } = platform.machine.host;
  return {
    header: memory.read(value.hdrPaddr, value.hdrLen),
    data: memory.read(value.transPaddr, value.transLen),
  };
}

/** The buffer of a RECEIVE_START with the session of somebody who knows this platform. */
export function receiveStartBuffer(platform: Platform, policy: number): ReceiveStartBuffer {
  const { dhCertPaddr, dhCertLen, ...rest } = startBuffer(platform, policy);
  return { ...rest, pdhCertPaddr: dhCertPaddr, pdhCertLen: dhCertLen };
}

/** RECEIVE_START on another platform; the new handle. */
export function receiveStart(
  platform: Platform,
  policy: number,
  session: LaunchSession,
  sender: SevCertificate,
): number {
  const { status, value } = platform.run('RECEIVE_START', ReceiveStartBuffer, {
    handle: 0,
    policy,
    pdhCertPaddr: platform.place(SevCertificate.encode(sender)),
    pdhCertLen: SevCertificate.size,
    sessionPaddr: platform.place(LaunchSession.encode(session)),
    sessionLen: LaunchSession.size,
  });
  expectSuccess(status);
  return value.handle;
}
