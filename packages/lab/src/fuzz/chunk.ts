import { createHash } from 'node:crypto';
import type { OpenDoor } from './door.ts';
import { type Failure, judge, type Verdict } from './failure.ts';
import { plainJson } from './plain-json.ts';

/** So many cases of one door, from one index up to another one. */
export interface Chunk {
  readonly door: string;
  readonly from: number;
  readonly to: number;
}

/** A case that ended its thread, or had to be ended with it, in an earlier attempt at the chunk. */
export interface Fatal {
  readonly index: number;
  readonly failure: Failure;
}

/** The same for the same seed, whoever runs it. */
export interface ChunkResult extends Chunk {
  /** How often what came. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of all inputs and what came of each: SHA-256, the first 16 hexadecimal digits. */
  readonly digest: string;
  /** One for each signature: the first case, and how many there are. */
  readonly failures: readonly FoundFailure[];
}

export interface FoundFailure extends Failure {
  readonly index: number;
  readonly count: number;
}

/** Runs a chunk. `beforeCase` hears of each case before it runs. */
export function runChunk(
  door: OpenDoor,
  seed: string,
  chunk: Chunk,
  fatal: readonly Fatal[],
  beforeCase: (index: number) => void,
): ChunkResult {
  const digest = createHash('sha256');
  const outcomes = new Map<string, number>();
  const failures = new Map<string, FoundFailure>();
  for (let index = chunk.from; index < chunk.to; index++) {
    beforeCase(index);
    const known = fatal.find((each) => each.index === index);
    const trial = known === undefined ? door.trial(seed, index) : undefined;
    if (trial) digest.update(plainJson(trial.input));
    const verdict: Verdict = trial ? judge(trial) : { failure: known!.failure }; // one of the two is there
    const { failure } = verdict;
    const outcome = failure === undefined ? verdict.outcome : failure.signature;
    digest.update(outcome);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (failure === undefined) continue;
    const before = failures.get(failure.signature);
    failures.set(
      failure.signature,
      before === undefined ? { ...failure, index, count: 1 } : { ...before, count: before.count + 1 },
    );
  }
  return {
    ...{ door: chunk.door, from: chunk.from, to: chunk.to },
    outcomes: Object.fromEntries([...outcomes].sort(([a], [b]) => (a < b ? -1 : 1))),
    digest: digest.digest('hex').slice(0, 16),
    failures: [...failures.values()],
  };
}
