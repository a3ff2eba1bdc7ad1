import { isMainThread } from 'node:worker_threads';
import { arbitraryDoor, type Door, holds } from '@sevlab/lab/fuzz/door';
import { serveTasks } from '@sevlab/lab/fuzz/worker';
import fc from 'fast-check';

const COMMON = { about: 'planted', share: 1, chunk: 50, cost: 10 };
const numbers = () => fc.record({ size: fc.nat(1000), text: fc.string() });

const kept: Uint8Array[] = [];

/** Doors with a fault each, behind a condition. */
export const PLANTED: readonly Door[] = [
  arbitraryDoor<{ size: number; text: string }>({
    ...{ ...COMMON, name: 'crashing' },
    inputs: numbers,
    start: () =>
      function takeSize({ size }) {
        if (size > 700) throw new TypeError(`planted, ${size}`);
        return 'fine';
      },
  }),
  arbitraryDoor<{ size: number; text: string }>({
    ...{ ...COMMON, name: 'two-faults' },
    inputs: numbers,
    start:
      () =>
      ({ size, text }) => {
        holds(size < 900, 'the size is small', () => `${size}`);
        if (text.length > 8) firstOf(text);
        return 'fine';
      },
  }),
  arbitraryDoor<readonly number[]>({
    ...{ ...COMMON, name: 'hanging', chunk: 20 },
    inputs: () => fc.array(fc.nat(99), { maxLength: 6 }),
    start: () => (list) => {
      while (list.includes(42)) kept.length = 0;
      return `${list.length}`;
    },
  }),
  arbitraryDoor<number>({
    ...{ ...COMMON, name: 'leaking', chunk: 100 },
    inputs: () => fc.nat(),
    start: () => () => {
      kept.push(new Uint8Array(16 * 1024).fill(1));
      return 'kept';
    },
  }),
  arbitraryDoor<number>({
    ...{ ...COMMON, name: 'caching', chunk: 100 },
    inputs: () => fc.nat(),
    start: () => {
      const cache = new Map<number, Uint8Array>();
      return (number) => {
        cache.set(number % 64, new Uint8Array(16 * 1024).fill(1)); // full long before the first half is over
        return 'cached';
      };
    },
  }),
  arbitraryDoor<number>({
    ...{ ...COMMON, name: 'dying' },
    inputs: () => fc.nat(100),
    start: () => (number) => {
      if (number === 77) process.exit(3);
      return 'fine';
    },
  }),
  arbitraryDoor<number>({
    ...{ ...COMMON, name: 'sound' },
    inputs: () => fc.nat(9),
    start: () => (number) => `${number}`,
  }),
];

function firstOf(text: string): never {
  throw new RangeError(`planted, ${text.length} letters`);
}

if (!isMainThread) serveTasks(PLANTED);
