import { createHash } from 'node:crypto';
import { createPipeline, type Pipeline, type Setup } from '../pipeline.ts';
import { BoundedStore } from './bounded-store.ts';
import { attempt } from './refusal.ts';

/** Of all bases together, as weighed. Bytes. */
const BASES_MAX = 32 * 1024 * 1024;
/** What a base holds besides its image. Bytes. */
const BASE_SIZE = 1024 * 1024;

/** Platforms with a guest that was launched honestly and waits for its measurement: one for each setup, forked by many. */
export class LaunchedBases {
  readonly #bases = new BoundedStore<Pipeline>(BASES_MAX, ({ setup }) => BASE_SIZE + setup.image.length);

  /** A run of its own that begins there; undefined when such a guest cannot be launched. */
  fork(setup: Setup): Pipeline | undefined {
    const name = nameOf(setup);
    const base = this.#bases.get(name) ?? launch(setup);
    if (base === undefined) return undefined;
    this.#bases.set(name, base);
    return base.fork();
  }
}

const launch = (setup: Setup): Pipeline | undefined =>
  attempt('launch', () => {
    const pipeline = createPipeline(setup);
    pipeline.offer();
    pipeline.launch();
    return { pipeline };
  }).pipeline;

/** Two setups of the same name are the same. */
function nameOf({ image, ...rest }: Setup): string {
  const sha256 = createHash('sha256').update(image).digest('hex');
  return JSON.stringify({ ...rest, sha256 }, (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}
