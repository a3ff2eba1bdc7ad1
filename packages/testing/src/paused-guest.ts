import type { SevStatus } from '@sevlab/codec/sev/status';
import { packetLengthText } from '@sevlab/lab/length-text';
import { flipBit } from '@sevlab/lab/scenario/attack';
import { causeIn } from '@sevlab/lab/scenario/cause';
import { attempt } from '@sevlab/lab/scenario/honest-step';
import { whyNoPacket } from '@sevlab/lab/vmm/why-refused';
import { type Bench, eventsOf, strikeBefore } from './bench.ts';
import { type FileBytes, fileBytes } from './file-bytes.ts';
import { LaunchRefused } from './launch.ts';
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
  strikeBefore(bench, 'inject');
  const { pipeline, schemes } = bench.run;
  const flip = schemes.packetFlip;
  const packet = { header: fileBytes('header', header), data: fileBytes('payload', payload) };
  const sent = flip === undefined ? packet : { ...packet, [flip.part]: flipBit(packet[flip.part], flip.bit) };
  const before = eventsOf(bench).length;
  const outcome = attempt(() => ({
    status: pipeline.inject(sent, address === undefined ? undefined : BigInt(address)),
  }));
  if ('refused' in outcome) throw new LaunchRefused('inject', outcome.refused);
  const { status } = outcome;
  if (status === 'SUCCESS') return { status };
  const rule = causeIn(eventsOf(bench).slice(before));
  const found = packetLengthText(sent.header, sent.data) ?? explain(bench, status, sent);
  const cause = [rule, found].filter((text) => text !== undefined).join('; ');
  return { status, ...(cause !== '' && { cause }) };
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
  for (const step of ['finish', 'firmware', 'boot'] as const) {
    strikeBefore(bench, step);
    const { pipeline } = bench.run;
    const outcome = attempt(() => {
      if (step === 'finish') pipeline.finish();
      else if (step === 'firmware') pipeline.startFirmware();
      else pipeline.boot();
      return { status: 'SUCCESS' };
    });
    if ('refused' in outcome) throw new LaunchRefused(step, outcome.refused);
    if (outcome.status !== 'SUCCESS')
      throw new LaunchRefused(step, `the AMD-SP answered ${outcome.status}`, outcome.status);
  }
  return guestOf(bench);
}
