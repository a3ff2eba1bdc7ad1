import type { Secret } from '@sevlab/codec/efi/secret-table';
import { guidFromBytes } from '@sevlab/codec/guid';
import { createPipeline, type Pipeline, type Setup } from '../pipeline.ts';
import { setupOf } from '../scenario/setup.ts';

/** Every benchmark draws from this seed. */
export const BENCH_SEED = 'sevlab bench';

/** A setup with firmware of so many bytes, whole KiB, and nothing recorded. Throws ScenarioError for a size that no image has. */
export const benchSetup = (firmwareSize: number, changes: Partial<Setup> = {}): Setup => ({
  ...setupOf(
    { version: 1, title: 'bench', steps: [], firmware: { size: `${firmwareSize / 1024} KiB` } },
    '',
    {
      seed: BENCH_SEED,
      record: false,
    },
  ).setup,
  ...changes,
});

/** So many secrets of 24 bytes, each with a name of its own. */
export const benchSecrets = (count: number): Secret[] =>
  Array.from({ length: count }, (_, i) => ({
    guid: guidFromBytes(Uint8Array.from({ length: 16 }, (__, at) => (at === 0 ? i + 1 : at * 7))),
    data: new Uint8Array(24).fill(i),
  }));

/** Everything until the guest owner has verified the measurement. Throws Refused. */
export function verifiedPipeline(setup: Setup): Pipeline {
  const pipeline = createPipeline(setup);
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  return pipeline;
}

/** One whole run, from power-on to a kernel with its secrets. Throws Refused. */
export function wholeRun(setup: Setup, secrets: readonly Secret[]): Pipeline {
  const pipeline = verifiedPipeline(setup);
  pipeline.seal(secrets);
  pipeline.inject();
  pipeline.finish();
  pipeline.boot();
  return pipeline;
}
