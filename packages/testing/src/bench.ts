import type { RecordedEvent } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { createPipeline, type Pipeline } from '@sevlab/lab/pipeline';
import { createFaults, type Faults, forkFaults, strike } from '@sevlab/lab/scenario/faults';
import type { HonestStep, Scenario } from '@sevlab/lab/scenario/scenario';
import { createSchemes, forkSchemes, type Schemes } from '@sevlab/lab/scenario/schemes';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { expectKnown, type LaunchOptions } from './options.ts';

/** A run, and what a hostile host has in mind for it. */
interface Run {
  readonly pipeline: Pipeline;
  readonly schemes: Schemes;
  readonly faults: Faults;
}

/** What a test works on. A reset puts another run there. */
export interface Bench {
  run: Run;
  readonly options: LaunchOptions;
  readonly secrets: readonly Secret[];
}

/** A machine that is switched on. Throws RangeError, SyntaxError and ScenarioError for options that cannot be. */
export function createBench(options: LaunchOptions): Bench {
  expectKnown(options);
  const { secrets = {}, firmware, expects: _, ...words } = options;
  const scenario: Scenario = {
    ...{ version: 1, title: 'launch', steps: [], ...words },
    ...(firmware && !(firmware instanceof Uint8Array) && { firmware }),
  };
  const { setup: built } = setupOf(scenario, '', { record: true });
  const setup = firmware instanceof Uint8Array ? { ...built, image: firmware } : built;
  const run = {
    pipeline: createPipeline(setup),
    schemes: createSchemes(setup),
    faults: createFaults(scenario, setup),
  };
  const table = Object.entries(secrets).map(([guid, value]) => ({
    guid: parseGuid(guid),
    data: bytesOf(value),
  }));
  return { run, options, secrets: table };
}

/** An independent bench with the same past. */
export const forkBench = (bench: Bench): Bench => ({ ...bench, run: forkRun(bench.run) });

/** The same past, another future. */
export const forkRun = ({ pipeline, schemes, faults }: Run): Run => ({
  pipeline: pipeline.fork(),
  schemes: forkSchemes(schemes),
  faults: forkFaults(faults),
});

/** What the faults do in front of a step. */
export function strikeBefore({ run }: Bench, step: HonestStep): void {
  strike(run.pipeline, run.faults, step, { schemes: run.schemes, file: '' });
}

/** What happened so far. */
export const eventsOf = ({ run }: Bench): readonly RecordedEvent[] => run.pipeline.observer.events;

/** Text is UTF-8. */
export const bytesOf = (value: string | Uint8Array): Uint8Array =>
  typeof value === 'string' ? utf8(value) : value;
