import type { SevStatus } from '@sevlab/codec/sev/status';
import { packetLengthText } from '@sevlab/lab/length-text';
import { sentPacket } from '@sevlab/lab/scenario/honest-step';
import { addressOf } from '@sevlab/lab/scenario/values';
import { whyNoPacket } from '@sevlab/lab/vmm/why-refused';
import type { Bench } from './bench.ts';
import { type FileBytes, fileBytes } from './file-bytes.ts';
import { succeeds, takeOne, takeStep } from './launch-steps.ts';
import { guestOf, type LaunchedGuest } from './launched-guest.ts';

/** What the AMD-SP answered to a command, and why, as it alone knows. */
export interface Answer {
  readonly status: SevStatus;
  /** Absent where it took the command. No key is in it. */
  readonly cause?: string;
}

/** Two files of `sevctl secret build`, raw, or of virt-qemu-sev-validate, in base64. */
export interface PacketFiles {
  /** 52 bytes. */
  readonly header: FileBytes;
  /** A multiple of 16 bytes. */
  readonly payload: FileBytes;
}

/** What QEMU answers to `query-sev`. */
export interface QuerySev {
  readonly enabled: true;
  readonly 'api-major': number;
  readonly 'api-minor': number;
  readonly 'build-id': number;
  readonly policy: number;
  readonly state: 'launch-secret';
  readonly handle: number;
}

/** A guest that was measured and waits for secrets. */
export interface PausedGuest {
  /** What LAUNCH_MEASURE wrote: MEASURE, 32 bytes, then MNONCE, 16; `query-sev-launch-measure` has their base64. */
  readonly measurement: Uint8Array;
  /** What a host says of the firmware, which a guest owner needs for its check and does not believe before it. */
  querySev(): QuerySev;
  /**
   * LAUNCH_SECRET, where the image announces its secret area or at a guest-physical address such as `0x810000`. Throws
   * LaunchRefused when KVM or the VMM does not let it through.
   */
  inject(packet: PacketFiles, at?: { readonly gpa: string }): Answer;
  /** LAUNCH_FINISH, firmware and kernel. Throws LaunchRefused. */
  start(): LaunchedGuest;
}

/** @internal The guest of a pipeline that has measured it. */
export function pausedGuestOf(bench: Bench): PausedGuest {
  const { measured, launching, status } = bench.run.pipeline.progress;
  if (measured === undefined || launching === undefined || status === undefined)
    throw new Error('the guest was not measured');
  return {
    measurement: measured.measurement,
    querySev: () => ({
      enabled: true,
      'api-major': status.apiMajor,
      'api-minor': status.apiMinor,
      'build-id': status.build,
      policy: bench.run.schemes.policy ?? bench.run.pipeline.setup.policy,
      state: 'launch-secret',
      handle: launching.record.handle,
    }),
    inject: (packet, at) => inject(bench, packet, at?.gpa),
    start: () => start(bench),
  };
}

function inject(bench: Bench, { header, payload }: PacketFiles, address: string | undefined): Answer {
  const { pipeline, schemes } = bench.run;
  let packet = { header: fileBytes('header', header), data: fileBytes('payload', payload) };
  const { status, cause } = takeOne(bench, 'inject', () => {
    packet = sentPacket(packet, schemes);
    return { status: pipeline.inject(packet, address === undefined ? undefined : addressOf(address)) };
  });
  if (status === 'SUCCESS') return { status };
  const found = packetLengthText(packet.header, packet.data) ?? explain(bench, status, packet);
  const causes = [cause, found].filter((text) => text !== undefined);
  return { status, ...(causes.length > 0 && { cause: causes.join('; ') }) };
}

/** What only somebody who has the keys can tell of a packet. */
function explain(
  { run: { pipeline } }: Bench,
  status: SevStatus,
  { header, data: secret }: { readonly header: Uint8Array; readonly data: Uint8Array },
): string | undefined {
  if (status !== 'BAD_MEASUREMENT') return undefined;
  const measurement = pipeline.progress.measured?.measurement;
  return whyNoPacket(pipeline.actors.secureProcessor, { header, secret, measurement });
}

function start(bench: Bench): LaunchedGuest {
  const { pipeline } = bench.run;
  takeStep(bench, 'finish', () => succeeds(() => pipeline.finish()));
  takeStep(bench, 'firmware', () => succeeds(() => pipeline.startFirmware()));
  takeStep(bench, 'boot', () => succeeds(() => pipeline.boot()));
  return guestOf(bench);
}
