import { createHash } from 'node:crypto';
import type { Observer } from '@sevlab/ambient/observer';
import { textOfLines, traceLines } from '@sevlab/ambient/trace-lines';
import { TRACE_FORMAT, TRACE_VERSION, type TraceHeader } from '@sevlab/codec/trace';
import type { Setup } from './pipeline.ts';
import { VERSION } from './version.ts';

export interface TraceOptions {
  readonly command: string;
  /** What `sevlab replay` needs besides the seed; absent for a run that cannot be had again. */
  readonly arguments?: readonly string[];
  readonly scenario: string;
  /** Write closed bytes too: plaintext, keys, secrets. */
  readonly reveal: boolean;
}

/** A run that was recorded: a pipeline is one. */
export interface RecordedRun {
  readonly setup: Partial<Pick<Setup, 'seed' | 'image' | 'directBoot'>>;
  readonly observer: Observer;
}

/** What a run was made of that is not in the scenario's file: digests by name. */
function inputsOf({ image, directBoot }: RecordedRun['setup']): Record<string, string> {
  const inputs = { firmware: image, kernel: directBoot?.kernel, initrd: directBoot?.initrd };
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, bytes]) =>
      bytes === undefined ? [] : [[name, createHash('sha256').update(bytes).digest('hex')]],
    ),
  );
}

/** The first line of a run's trace. `start` is in nanoseconds since 1970. */
export function traceHeader(setup: RecordedRun['setup'], start: bigint, options: TraceOptions): TraceHeader {
  return {
    format: TRACE_FORMAT,
    version: TRACE_VERSION,
    sevlab: VERSION,
    simulated: true,
    seed: setup.seed ?? '',
    start: new Date(Number(start / 1_000_000n)).toISOString(),
    command: options.command,
    ...(options.arguments && { arguments: options.arguments }),
    scenario: options.scenario,
    inputs: inputsOf(setup),
    revealed: options.reveal,
  };
}

/** The trace of a run as the text of a file. */
export function traceText({ setup, observer }: RecordedRun, options: TraceOptions): string {
  const header = traceHeader(setup, observer.state.start, options);
  return textOfLines(traceLines(header, observer.events));
}
