import type { Probe } from './fuzz-areas.ts';

/** Which of several probes still show what is looked for. Asking for many at once costs little more than for one. */
export type StillShows = (probes: readonly Probe[]) => Promise<readonly boolean[]>;

/** More rounds than this help nobody who reads the result. */
const MAX_ROUNDS = 30;

/**
 * A smaller probe that still shows it: without operations that have no part in it, with fewer bytes in the area, with
 * zeros in place of bytes that do not matter. Each round takes the first smaller one that shows it, until none does.
 */
export async function shrinkProbe(probe: Probe, stillShows: StillShows): Promise<Probe> {
  let smallest = probe;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const smaller = [...smallerProbes(smallest)];
    const shows = await stillShows(smaller);
    const next = smaller[shows.indexOf(true)];
    if (next === undefined) break;
    smallest = next;
  }
  return smallest;
}

/** The probe with less in it: halves first, then one thing at a time. */
export function* smallerProbes(probe: Probe): Generator<Probe> {
  yield* withoutOperations(probe);
  yield* withSmallerArea(probe);
}

function* withoutOperations(probe: Probe): Generator<Probe> {
  const { operations } = probe;
  for (let length = operations.length; length >= 1; length = Math.floor(length / 2)) {
    for (let start = 0; start < operations.length; start += length)
      yield { ...probe, operations: operations.toSpliced(start, length) };
  }
}

function* withSmallerArea(probe: Probe): Generator<Probe> {
  const { area } = probe;
  for (let length = area.length; length >= 1; length = Math.floor(length / 2)) {
    if (length < area.length) yield { ...probe, area: area.subarray(0, area.length - length) };
    for (let start = 0; start < area.length; start += length) {
      if (area.subarray(start, start + length).every((byte) => byte === 0)) continue;
      const zeroed = area.slice();
      zeroed.fill(0, start, start + length);
      yield { ...probe, area: zeroed };
    }
  }
}
