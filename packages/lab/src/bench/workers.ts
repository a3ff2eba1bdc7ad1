import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ROOT_FOLDER } from '../root-folder.ts';
import type { Effort } from './compare.ts';
import { judged, type Measured } from './figure.ts';
import { forkedRuns, readThroughInodes } from './forked-runs.ts';
import { spreadOf } from './spread.ts';

const WORKERS = 2;
/** Seconds of work in one measurement, and before it as many runs until V8, which compiles on other cores, is done. */
const SECONDS = 2;
const WARM_UP = 2000;

/** How much more a campaign does in the same time when it has two workers: forked runs, by the clock on the wall. */
export async function workerFigures({ runs, atLeast }: Effort): Promise<Measured[]> {
  const what = `forked runs of ${WORKERS} workers at once, in processes of their own`;
  if (availableParallelism() < WORKERS)
    return [{ name: 'two-workers', what, missing: `this machine has one core; expected ${WORKERS}` }];
  const seconds = atLeast < 1 ? 0.05 : SECONDS;
  const gains: number[] = [];
  for (let i = 0; i < runs; i++) {
    const alone = await runsOf(1, seconds);
    gains.push((await runsOf(WORKERS, seconds)) / alone);
  }
  const value = spreadOf(gains);
  return [
    judged({
      ...{ name: 'two-workers', what, reference: 'one worker', unit: 'times', value },
      target: { atLeast: 1.6 },
    }),
  ];
}

/** Runs that so many workers make together, in as many seconds. Throws when one fails. */
async function runsOf(workers: number, seconds: number): Promise<number> {
  const counts = await Promise.all(Array.from({ length: workers }, () => runsOfProcess(seconds)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function runsOfProcess(seconds: number): Promise<number> {
  const words = [join(ROOT_FOLDER, 'sevlab'), 'bench', '--worker', `${seconds}`];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (part) => {
    said += part;
  });
  await once(child, 'close');
  const count = Number(said);
  if (!(count > 0)) throw new Error(`a worker of the benchmark answered ${JSON.stringify(said)}`);
  return count;
}

/** What a worker does: forked runs for so many seconds. Returns how many. */
export function work(seconds: number): number {
  const forkedRun = forkedRuns();
  for (let i = 0; i < WARM_UP * Math.min(1, seconds); i++) forkedRun(readThroughInodes);
  const end = performance.now() + seconds * 1000;
  let count = 0;
  for (; performance.now() < end; count++) forkedRun(readThroughInodes);
  return count;
}
