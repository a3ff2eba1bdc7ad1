import { growthOf } from './memory-growth.ts';
import type { Answer } from './task.ts';

/** What a door cost, and what stayed in memory. No part of the results: another machine has others. */
export interface DoorMeasurement {
  readonly door: string;
  readonly cases: number;
  /** Cases a second on one thread. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly slowest: number;
  /** What the threads hold after a collection: after warm-up, and at the end. Bytes. */
  readonly liveWarm: number;
  readonly liveEnd: number;
  /** Resident memory of the whole process at the same times. Bytes. */
  readonly residentWarm: number;
  readonly residentEnd: number;
  /** Bytes that a thread's memory grew by after warm-up, more than noise; undefined when there is too little to tell. */
  readonly growth: number | undefined;
}

interface Sample {
  /** The thread. */
  readonly owner: string;
  readonly live: number;
  readonly resident: number;
}

/** Collects what a campaign measures. */
export class Measurements {
  readonly #doors = new Map<
    string,
    { cases: number; milliseconds: number; slowest: number; samples: Sample[] }
  >();

  add(owner: string, { result, milliseconds, slowest, live }: Extract<Answer, { kind: 'chunk' }>): void {
    const door = this.#doors.get(result.door) ?? { cases: 0, milliseconds: 0, slowest: 0, samples: [] };
    this.#doors.set(result.door, door);
    door.cases += result.to - result.from;
    door.milliseconds += milliseconds;
    door.slowest = Math.max(door.slowest, slowest);
    if (live !== undefined) door.samples.push({ owner, live, resident: process.memoryUsage.rss() });
  }

  /** Milliseconds that threads spent in cases. */
  get busy(): number {
    return [...this.#doors.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  }

  /** In the order of these doors: threads are faster one time and slower another. */
  list(doors: readonly string[]): readonly DoorMeasurement[] {
    return doors.flatMap((door) => {
      const measured = this.#doors.get(door);
      if (measured === undefined) return [];
      const { cases, milliseconds, slowest, samples } = measured;
      const series = byOwner(samples);
      const growths = series.map((each) => growthOf(each.map(({ live }) => live)));
      const known = growths.filter((growth) => growth !== undefined);
      const warm = samples[Math.floor(samples.length / 4)];
      const end = samples.at(-1);
      return {
        ...{ door, cases, slowest, perSecond: milliseconds === 0 ? 0 : (1000 * cases) / milliseconds },
        ...{ liveWarm: warm?.live ?? 0, residentWarm: warm?.resident ?? 0 },
        ...{ liveEnd: end?.live ?? 0, residentEnd: end?.resident ?? 0 },
        growth: known.length === 0 ? undefined : Math.max(...known),
      };
    });
  }
}

function byOwner(samples: readonly Sample[]): readonly (readonly Sample[])[] {
  const owners = [...new Set(samples.map(({ owner }) => owner))];
  return owners.map((owner) => samples.filter((sample) => sample.owner === owner));
}
