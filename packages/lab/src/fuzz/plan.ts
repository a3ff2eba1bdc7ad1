import type { Chunk } from './chunk.ts';
import type { Door } from './door.ts';
import type { Shard } from './shard.ts';

/** A whole campaign: nothing else decides which cases there are. */
export interface Plan {
  readonly seed: string;
  /** How many cases of each door, in the order of the doors. */
  readonly doors: Readonly<Record<string, number>>;
}

/** Divides cases among doors by their shares; each gets one at least. */
export function planOf(seed: string, runs: number, doors: readonly Door[]): Plan {
  const shares = doors.reduce((sum, { share }) => sum + share, 0);
  const counts = doors.map(({ share }) => Math.max(1, Math.floor((runs * share) / shares)));
  const rest = runs - counts.reduce((sum, count) => sum + count, 0);
  const [first = 0] = counts;
  return {
    seed,
    doors: Object.fromEntries(
      doors.map(({ name }, i) => [name, i === 0 ? Math.max(1, first + rest) : counts[i]!]), // one count a door
    ),
  };
}

/** All chunks of a plan in their order, and which of them are a shard's. */
export function* chunksOf(plan: Plan, doors: readonly Door[], shard?: Shard): Generator<Chunk> {
  let number = 0;
  for (const { name, chunk } of doors) {
    const runs = plan.doors[name] ?? 0;
    for (let from = 0; from < runs; from += chunk) {
      if (shard === undefined || number % shard.total === shard.index)
        yield { door: name, from, to: Math.min(runs, from + chunk) };
      number++;
    }
  }
}
