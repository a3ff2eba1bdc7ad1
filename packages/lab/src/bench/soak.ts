import { forkedRuns, readThroughInodes } from './forked-runs.ts';
import { collectGarbage } from './memory-in-use.ts';

/** So many guests first, in rounds like those that count: until then V8 compiles, and finds out how much memory it needs. */
const WARM_UP = 1000;
/** Resident memory may be so much above that of round two. */
const MOST_GROWTH = 1.1;

/** How a soak went. */
export interface Soak {
  readonly guests: number;
  readonly rounds: number;
  /** Resident memory of the process after each round, in bytes. */
  readonly resident: readonly number[];
  /** Memory after the last round divided by that after the second. */
  readonly growth: number;
  readonly met: boolean;
}

/**
 * In each round so many guests are there at once, on shared pages of firmware: each gets its secrets, boots, reads them,
 * and is decommissioned. `tell` hears of each round. Takes at least two rounds.
 */
export function soak(
  { guests, rounds, warmUp = WARM_UP }: Pick<Soak, 'guests' | 'rounds'> & { readonly warmUp?: number },
  tell: (round: number, resident: number) => void = () => {},
): Soak {
  const forkedRun = forkedRuns();
  const comeAndGo = (): number => {
    const running = Array.from({ length: guests }, () => forkedRun(readThroughInodes));
    for (const { progress } of running) progress.running!.destroy(); // each was run
    running.length = 0;
    collectGarbage();
    return process.memoryUsage().rss;
  };
  for (let gone = 0; gone < warmUp; gone += guests) comeAndGo();
  const resident = Array.from({ length: rounds }, (_, round) => {
    const rss = comeAndGo();
    tell(round + 1, rss);
    return rss;
  });
  const growth = resident.at(-1)! / resident[1]!; // there are two rounds or more
  return { guests, rounds, resident, growth, met: growth <= MOST_GROWTH };
}
