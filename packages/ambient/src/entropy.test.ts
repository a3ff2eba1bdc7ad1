import { toHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entropyFrom, forkEntropy, seededEntropy, systemEntropy } from './entropy.ts';

const draws = fc.array(fc.nat({ max: 100 }), { maxLength: 5 });

/** Computed with Python's hashlib. Another construction would change every recorded trace. */
test('known bytes', () => {
  const entropy = seededEntropy('known', 'amd-sp');
  expect(toHex(entropy.bytes(40))).toBe(
    '696f368027622d7092bbc3ca17e28fde05593a3aa314f79d7e12fe3e1248fc73e46f28c28b2711f2',
  );
  expect(toHex(entropy.bytes(4))).toBe('865531a2');
});

test('the same seed and name give the same bytes', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), draws, (seed, name, lengths) => {
      const [one, two] = [seededEntropy(seed, name), seededEntropy(seed, name)];
      for (const length of lengths) {
        const drawn = one.bytes(length);
        expect(drawn).toHaveLength(length);
        expect(drawn).toEqual(two.bytes(length));
      }
    }),
  );
});

test('drawing from one stream moves no other', () => {
  fc.assert(
    fc.property(draws, draws, (before, between) => {
      const alone = seededEntropy('seed', 'host').bytes(32);
      const [host, owner] = [seededEntropy('seed', 'host'), seededEntropy('seed', 'guest-owner')];
      for (const length of [...before, ...between]) owner.bytes(length);
      expect(host.bytes(32)).toEqual(alone);
    }),
  );
});

test('another seed, another name, a later draw: other bytes', () => {
  const entropy = seededEntropy('a', 'b');
  const drawn = [
    ...[entropy.bytes(32), entropy.bytes(32), seededEntropy('a', 'c').bytes(32)],
    ...[
      seededEntropy('c', 'b').bytes(32),
      seededEntropy('b', 'a').bytes(32),
      seededEntropy('', 'ab').bytes(32),
    ],
  ];
  expect(new Set(drawn.map(toHex)).size).toBe(drawn.length);
});

test('a fork goes on with the same bytes, and neither moves the other', () => {
  fc.assert(
    fc.property(draws, draws, (before, after) => {
      const parent = seededEntropy('seed', 'amd-sp');
      for (const length of before) parent.bytes(length);
      const child = forkEntropy(parent);
      const drawn = after.map((length) => toHex(child.bytes(length)));
      expect(after.map((length) => toHex(parent.bytes(length)))).toEqual(drawn);
    }),
  );
});

test('a state is plain data: a copy through JSON goes on the same', () => {
  const entropy = seededEntropy('seed', 'kernel');
  entropy.bytes(100);
  const copy = entropyFrom(JSON.parse(JSON.stringify(entropy.state)));
  expect(copy.bytes(33)).toEqual(entropy.bytes(33));
});

test("the system's entropy does not repeat", () => {
  const entropy = systemEntropy('guest-owner');
  expect(toHex(entropy.bytes(16))).not.toBe(toHex(forkEntropy(entropy).bytes(16)));
  expect(entropy.bytes(3)).toHaveLength(3);
});
