import { createECDH, createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { compare } from './compare.ts';
import { judged, type Measured } from './figure.ts';
import { GROWTHS, measureGrowth, slopeOf } from './growth.ts';
import { lastingRegressions, recordOf, regressions } from './record.ts';
import { recordPrimitives } from './recorded-primitives.ts';
import { soak } from './soak.ts';
import { mapSpread, spreadOf } from './spread.ts';
import { EFFORTS, SUBJECTS } from './subjects.ts';

const hash = (bytes: number) => () => createHash('sha256').update(new Uint8Array(bytes)).digest();
const effort = { runs: 5, warmUp: 0, atLeast: 5 };

describe('spread', () => {
  test('quartiles lie between the values', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25, runs: 4 });
    expect(spreadOf([7])).toEqual({ median: 7, low: 7, high: 7, runs: 1 });
  });

  test('a rate has its low where the time has its high', () => {
    const { low, high } = mapSpread({ median: 2, low: 1, high: 4, runs: 3 }, (ms) => 1000 / ms);
    expect([low, high]).toEqual([250, 1000]);
  });
});

describe('comparison', () => {
  test('an operation that was slowed down has a worse ratio', () => {
    const honest = compare(hash(100_000), hash(100_000), effort).ratio.median;
    const slowed = compare(hash(2_000_000), hash(100_000), effort).ratio.median;
    expect(slowed).toBeGreaterThan(4 * honest); // it does twenty times the work
  });

  test('a figure meets its target in the right direction', () => {
    const value = spreadOf([2]);
    const figure = { name: 'a', what: '', reference: '', unit: 'times', value } as const;
    expect(judged({ ...figure, target: { atMost: 2 } }).met).toBe(true);
    expect(judged({ ...figure, target: { atMost: 1.9 } }).met).toBe(false);
    expect(judged({ ...figure, target: { atLeast: 2.1 } }).met).toBe(false);
    expect(judged(figure)).not.toHaveProperty('met');
  });
});

describe('record', () => {
  const figureOf = (name: string, cost: number): Measured => {
    const value = spreadOf([cost]);
    return { name, what: '', reference: '', unit: 'times', value, costRatio: value };
  };

  test('only what is clearly worse is told', () => {
    const record = { slower: 1, noisy: 1, faster: 1, gone: 1 };
    const now = [
      figureOf('slower', 3.1),
      figureOf('noisy', 2.9),
      figureOf('faster', 0.2),
      figureOf('new', 9),
    ];
    expect(regressions(record, now)).toEqual([
      'slower: costs 3.1 times its reference; the record has 1, and allows 3',
    ]);
  });

  test('what is worse once is noise, what is worse twice is told', async () => {
    const record = { once: 1, twice: 1, never: 1 };
    const subjects = new Map([
      ['a', [figureOf('once', 4)]],
      ['b', [figureOf('twice', 5)]],
      ['c', [figureOf('never', 1)]],
    ]);
    const heard: string[] = [];
    const lasting = await lastingRegressions(record, subjects, async (subject) => {
      heard.push(subject);
      return [figureOf(subject === 'a' ? 'once' : 'twice', subject === 'a' ? 1 : 4)];
    });
    expect(heard).toEqual(['a', 'b']);
    expect(lasting).toEqual(['twice: costs 4 times its reference; the record has 1, and allows 3']);
  });

  test('figures that this machine cannot have are not recorded', () => {
    expect(recordOf([{ name: 'a', what: '', missing: 'no QEMU' }, figureOf('b', 1.2345)])).toEqual({
      b: 1.23,
    });
  });
});

describe('recorded primitives', () => {
  test('every call is counted, bulk by its bytes', () => {
    const { counts } = recordPrimitives(() => {
      createHash('sha256').update(new Uint8Array(5000)).update(new Uint8Array(100)).digest();
      const [a, b] = [createECDH('secp384r1'), createECDH('secp384r1')];
      for (const ecdh of [a, b]) ecdh.setPrivateKey(new Uint8Array(48).fill(1));
      a.computeSecret(b.getPublicKey());
    });
    expect(counts).toEqual({ sha256: 1, 'sha256, bytes': 5000, 'key from scalar': 2, 'key agreement': 1 });
  });

  test('node:crypto is itself again, also after a fault', () => {
    const before = createHash;
    expect(() =>
      recordPrimitives(() => {
        throw new Error('fault');
      }),
    ).toThrow('fault');
    expect(createHash).toBe(before);
  });
});

describe('subjects', () => {
  test.each(Object.keys(SUBJECTS))('%s gives well-formed figures', async (name) => {
    const figures = (await SUBJECTS[name]?.(EFFORTS.tiny)) ?? [];
    expect(figures).not.toEqual([]);
    for (const figure of figures) {
      if ('missing' in figure) {
        expect(figure.missing).not.toBe('');
        continue;
      }
      const { low, median, high } = figure.value;
      expect([low, median, high].every(Number.isFinite)).toBe(true);
      expect(low <= median && median <= high).toBe(true);
      expect(figure.target).toBeDefined();
      expect(typeof figure.met).toBe('boolean');
    }
  });

  test('no two figures have the same name', async () => {
    const { encryption, table } = SUBJECTS;
    const figures = [...((await encryption?.(EFFORTS.tiny)) ?? []), ...((await table?.(EFFORTS.tiny)) ?? [])];
    expect(new Set(figures.map(({ name }) => name)).size).toBe(figures.length);
  });
});

describe('growth', () => {
  test('the slope is the exponent', () => {
    const points = (exponent: number) =>
      [1, 2, 4, 8].map((size) => ({ size, cost: { median: 3 * size ** exponent } }));
    for (const exponent of [0, 1, 2]) expect(slopeOf(points(exponent))).toBeCloseTo(exponent);
  });

  test.each(GROWTHS)('%s is measured at rising sizes', (name) => {
    const { points, slope } = measureGrowth(name, EFFORTS.tiny);
    const sizes = points.map(({ size }) => size);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(points.length).toBe(3);
    expect(Number.isFinite(slope)).toBe(true);
  });
});

test('a soak tells of every round', () => {
  const heard: number[] = [];
  const { resident, growth } = soak({ guests: 3, rounds: 3, warmUp: 3 }, (round) => heard.push(round));
  expect(heard).toEqual([1, 2, 3]);
  expect(growth).toBeCloseTo(resident[2]! / resident[1]!);
});
