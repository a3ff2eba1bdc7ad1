import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { alignUp, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  type CommandName,
  InitBuffer,
  LaunchMeasureBuffer,
  LaunchStartBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { createMachine } from '@sevlab/machine/machine';
import { makeCertificate } from '@sevlab/sev-channel/certificate';
import { generateKeyPair, sharedSecret } from '@sevlab/sev-channel/p384';
import { sealPacket } from '@sevlab/sev-channel/packet';
import { wrapSession } from '@sevlab/sev-channel/session';
import type { Command } from '../src/command.ts';
import { type FirmwareProfile, PROFILES, type ProfileName } from '../src/profile.ts';
import { createSecureProcessor } from '../src/secure-processor.ts';
import { SUPPORT } from '../src/support.ts';

/** An address that the firmware never takes. */
export const UNUSABLE: Spa = spa(0x4000_0000_0000n);
/** An address that the firmware takes, with no DRAM behind it. */
export const HOLE: Spa = spa(0x9000_0000n);
export const TEK: Uint8Array = new Uint8Array(16).fill(0x11);
export const TIK: Uint8Array = new Uint8Array(16).fill(0x22);
/** An ASID for a guest without SEV-ES. */
export const ASID = 100;

/** An AMD-SP with a host that can place bytes and run commands. Another seed is another chip. */
export function createPlatform(
  profile: ProfileName = 'genoa-1.55',
  seed = 'test',
  switches: Partial<FirmwareProfile> = {},
) {
  const observer = createObserver();
  const machine = createMachine({
    part: 'genoa',
    encryption: 'XEX',
    entropy: seededEntropy(seed, 'machine'),
    observer,
  });
  const sp = createSecureProcessor({
    profile: { ...PROFILES[profile], ...switches },
    entropy: seededEntropy(seed, 'amd-sp'),
    hardware: machine.secureProcessor,
  });
  let next = 0x1000_0000n;
  const place = (bytes: Uint8Array, room = bytes.length): Spa => {
    const address = spa(next);
    next += BigInt(alignUp(room, 4096));
    machine.host.memory.write(address, bytes);
    return address;
  };
  const run = <T>(name: CommandName, layout: Struct<T>, value: T): { status: SevStatus; value: T } => {
    const bytes = new Uint8Array(layout.paddedSize);
    layout.encodeInto(bytes, value);
    const status = commandOf(name).run(sp, bytes, () => {});
    return { status, value: layout.decodeAt(bytes, 0) };
  };
  const bare = (name: CommandName): SevStatus => commandOf(name).run(sp, new Uint8Array(0), () => {});
  return { machine, observer, sp, place, run, bare };
}
export type Platform = ReturnType<typeof createPlatform>;

export function commandOf(name: CommandName): Command {
  const { command } = SUPPORT[name];
  if (command === undefined) throw new Error(`${name} is not there`);
  return command;
}

/** INIT, WBINVD, DF_FLUSH. */
export function initialise(platform: Platform): void {
  const buffer = { flags: 0, reserved02: 0, reserved04: 0, tmrPaddr: spa(0n), tmrLen: 0 };
  expectSuccess(platform.run('INIT', InitBuffer, buffer).status);
  platform.machine.host.wbinvd();
  expectSuccess(platform.bare('DF_FLUSH'));
}

/** A guest owner's certificate and session for this platform. */
export function makeOffer(platform: Pick<Platform, 'sp'>, policy: number) {
  const key = generateKeyPair(seededEntropy('test', 'guest-owner'));
  const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
  const certificate = makeCertificate({ ...usage, point: key });
  const z = sharedSecret(key.d, platform.sp.identity.pdh.key);
  const session = wrapSession({
    z,
    nonce: new Uint8Array(16),
    wrapIv: new Uint8Array(16).fill(3),
    tek: TEK,
    tik: TIK,
    policy,
  });
  return { certificate, session };
}

/** The buffer of a LAUNCH_START with a good session. */
export function startBuffer(platform: Platform, policy: number): LaunchStartBuffer {
  const { certificate, session } = makeOffer(platform, policy);
  return {
    handle: 0,
    policy,
    dhCertPaddr: platform.place(SevCertificate.encode(certificate)),
    dhCertLen: SevCertificate.size,
    sessionPaddr: platform.place(LaunchSession.encode(session)),
    sessionLen: LaunchSession.size,
  };
}

/** A guest in LUPDATE, activated. Returns its handle. */
export function launchGuest(platform: Platform, policy = 1, asid = ASID): number {
  const started = platform.run('LAUNCH_START', LaunchStartBuffer, startBuffer(platform, policy));
  expectSuccess(started.status);
  const { handle } = started.value;
  expectSuccess(platform.run('ACTIVATE', ActivateBuffer, { handle, asid }).status);
  return handle;
}

/** LAUNCH_MEASURE; returns what it wrote. */
export function measureGuest(platform: Platform, handle: number): LaunchMeasurement {
  const measurePaddr = platform.place(new Uint8Array(LaunchMeasurement.size));
  const buffer = { handle, measurePaddr, measureLen: LaunchMeasurement.size };
  expectSuccess(platform.run('LAUNCH_MEASURE', LaunchMeasureBuffer, buffer).status);
  return LaunchMeasurement.decode(platform.machine.host.memory.read(measurePaddr, LaunchMeasurement.size));
}

/** A packet for that guest, in host memory, with the buffer that injects it at `guestPaddr`. */
export function secretBuffer(
  platform: Platform,
  handle: number,
  measure: Uint8Array | undefined,
  plaintext: Uint8Array,
  options: { readonly flags?: number; readonly guestPaddr?: Spa } = {},
) {
  const iv = new Uint8Array(16).fill(7);
  const { header, data } = sealPacket({
    tek: TEK,
    tik: TIK,
    measure,
    iv,
    flags: options.flags ?? 0,
    plaintext,
  });
  const guestPaddr = options.guestPaddr ?? platform.place(new Uint8Array(0), 0x10000);
  const hdrPaddr = platform.place(PacketHeader.encode(header));
  const transPaddr = platform.place(data);
  return {
    header,
    data,
    cmd: {
      handle,
      hdrPaddr,
      hdrLen: PacketHeader.size,
      guestPaddr,
      guestLen: data.length,
      transPaddr,
      transLen: data.length,
    },
  };
}

export function expectSuccess(status: SevStatus): void {
  if (status !== 'SUCCESS') throw new Error(`expected SUCCESS, got ${status}`);
}
