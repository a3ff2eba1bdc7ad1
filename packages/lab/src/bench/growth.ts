import { seededEntropy } from '@sevlab/ambient/entropy';
import { createPipeline } from '../pipeline.ts';
import { traceText } from '../trace-file.ts';
import { type Effort, measure } from './compare.ts';
import { forkedRuns, readThroughInodes } from './forked-runs.ts';
import { BENCH_SEED, benchSecrets, benchSetup, verifiedPipeline, wholeRun } from './guest-under-test.ts';
import type { Spread } from './spread.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** How costs grow with one size. */
export interface Growth {
  /** Such as `firmware-size`. */
  readonly name: string;
  readonly what: string;
  /** Of `size`. */
  readonly unit: string;
  /** Cost in ms of processor time. */
  readonly points: readonly { readonly size: number; readonly cost: Spread }[];
  /** Exponent of the upper half: 1 for costs that grow like the size, 2 like its square. */
  readonly slope: number;
  /** Whether it is linear or better. */
  readonly met: boolean;
}

/** Noise lets a linear cost look a little steeper. */
const MOST_SLOPE = 1.15;

interface Axis {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly sizes: readonly number[];
  /** Prepares one size. What comes back is measured. */
  readonly prepare: (size: number) => () => unknown;
}

const AXES: readonly Axis[] = [
  {
    name: 'firmware-size',
    what: 'launch and measurement of a firmware image',
    unit: 'MiB',
    sizes: [1, 2, 4, 8, 16, 32, 64],
    prepare: (size) => {
      const image = seededEntropy(BENCH_SEED, 'firmware').bytes(size * MIB);
      const base = createPipeline(benchSetup(64 * KIB, { image, memorySize: BigInt(256 * MIB) }));
      base.offer();
      return () => {
        const run = base.fork();
        run.launch();
        run.measure();
      };
    },
  },
  {
    name: 'guest-ram',
    what: 'a whole run, by the RAM of its guest',
    unit: 'MiB',
    sizes: [128, 512, 2048, 8192, 32768, 65536],
    prepare: (size) => {
      const setup = benchSetup(64 * KIB, { memorySize: BigInt(size) * BigInt(MIB) });
      const secrets = benchSecrets(4);
      return () => wholeRun(setup, secrets);
    },
  },
  {
    name: 'guests',
    what: 'guests launched and measured on one platform',
    unit: 'guests',
    sizes: [1, 5, 20, 50, 100, 200, 500],
    prepare: (size) => {
      const base = createPipeline(benchSetup(64 * KIB));
      base.offer();
      return () => {
        const run = base.fork();
        for (let i = 0; i < size; i++) {
          run.launch();
          run.measure();
        }
      };
    },
  },
  {
    name: 'secrets',
    what: 'a forked run, by the secrets injected and read',
    unit: 'secrets',
    sizes: [1, 2, 4, 8, 16, 32, 64],
    prepare: (size) => {
      const forkedRun = forkedRuns(benchSecrets(size));
      return () => forkedRun(readThroughInodes);
    },
  },
  {
    name: 'trace-events',
    what: 'a recorded run written as a trace, by its events',
    unit: 'events',
    sizes: [1000, 2000, 4000, 8000, 16000, 32000],
    prepare: (size) => {
      const run = verifiedPipeline(benchSetup(64 * KIB, { record: true }));
      const { events } = run.observer;
      while (run.observer.events.length < size)
        run.observer.observe('host', 'host', () => ({
          type: 'kvm',
          call: 'KVM_SEV_INIT',
          ret: 0,
          fwError: 0,
        }));
      if (events.length !== size) throw new Error(`the run has ${events.length} events; expected ${size}`);
      return () => traceText(run, { command: 'bench', scenario: 'bench', reveal: false, arguments: [] });
    },
  },
];

export const GROWTHS: readonly string[] = AXES.map(({ name }) => name);

/** Measures one axis; `effort` as for figures, and a tiny one leaves out all sizes but the smallest three. */
export function measureGrowth(name: string, effort: Effort): Growth {
  const axis = AXES.find((candidate) => candidate.name === name);
  if (axis === undefined) throw new RangeError(`no growth ${name}; expected one of ${GROWTHS.join(', ')}`);
  const { sizes, prepare, ...told } = axis;
  const points = (effort.atLeast < 1 ? sizes.slice(0, 3) : sizes).map((size) => ({
    size,
    cost: measure(prepare(size), effort),
  }));
  const slope = slopeOf(points.slice(Math.floor(points.length / 2) - 1));
  return { ...told, points, slope, met: slope <= MOST_SLOPE };
}

/** Slope of a straight line through the points on logarithmic paper, by least squares. */
export function slopeOf(
  points: readonly { readonly size: number; readonly cost: Pick<Spread, 'median'> }[],
): number {
  const logs = points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost.median) }));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(logs.map((log) => log.x)), mean(logs.map((log) => log.y))];
  const covariance = mean(logs.map((log) => (log.x - x) * (log.y - y)));
  return covariance / mean(logs.map((log) => (log.x - x) ** 2));
}
