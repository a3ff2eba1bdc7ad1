import { type Spread, spreadOf } from './spread.ts';

/** How much work a benchmark puts into each figure. */
export interface Effort {
  /** How often each side is measured; the sides take turns. */
  readonly runs: number;
  /** How long each side runs before it is measured, until V8 has compiled what it will, in ms of processor time. */
  readonly warmUp: number;
  /** Each measurement repeats the work until it takes so much processor time, in ms. */
  readonly atLeast: number;
}

/** Two ways to do the same, measured in turns in one process. */
export interface Comparison {
  /** Ours divided by the reference, of measurements that were neighbours. */
  readonly ratio: Spread;
  /** Milliseconds of processor time for one piece of work. */
  readonly ours: Spread;
  readonly reference: Spread;
}

/** Processor time of this process with its helper threads, in ms: other processes on the machine hardly change it. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Does the work until it is warm, and then so often that it takes long enough to be measured. */
function repetitions(work: () => unknown, { warmUp, atLeast }: Effort): number {
  const warm = processorTime() + warmUp;
  do work();
  while (processorTime() < warm);
  for (let times = 1; ; times *= 2) if (timed(work, times) * times >= atLeast) return times;
}

/** Milliseconds of processor time that the work takes, over so many repetitions. */
function timed(work: () => unknown, times: number): number {
  const start = processorTime();
  for (let i = 0; i < times; i++) work();
  return (processorTime() - start) / times;
}

/** What one piece of work takes, in ms of processor time. */
export function measure(work: () => unknown, effort: Effort): Spread {
  const times = repetitions(work, effort);
  return spreadOf(Array.from({ length: effort.runs }, () => timed(work, times)));
}

/** Measures two sides in turns, so that whatever slows the machine down meets both. */
export function compare(ours: () => unknown, reference: () => unknown, effort: Effort): Comparison {
  const times = [ours, reference].map((work) => repetitions(work, effort));
  const pairs = Array.from({ length: effort.runs }, () => ({
    ours: timed(ours, times[0]!), // one for each side
    reference: timed(reference, times[1]!),
  }));
  return {
    ratio: spreadOf(pairs.map((pair) => pair.ours / pair.reference)),
    ours: spreadOf(pairs.map((pair) => pair.ours)),
    reference: spreadOf(pairs.map((pair) => pair.reference)),
  };
}
