import { toHex } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { LengthError } from '@sevlab/codec/layout';
import { STRUCTURES } from '@sevlab/codec/structures';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changed,
  edgy,
  hostileBytes,
  nearly,
  nearlyValidBytes,
  nearlyValidSecretTables,
  secretTables,
  validBytes,
} from './arbitraries.ts';

describe.each(Object.entries(STRUCTURES))('%s', (name, struct) => {
  test('what is valid is read, and written again', () => {
    fc.assert(
      fc.property(validBytes(name), (bytes) => {
        expect(bytes).toHaveLength(struct.size);
        expect(toHex(struct.encode(struct.decode(bytes)))).toBe(toHex(bytes));
      }),
    );
  });

  test('what is nearly valid, or hostile, is read or refused for its length', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyValidBytes(name), hostileBytes(name)), (bytes) => {
        expect(bytes.length).toBeLessThanOrEqual(struct.size + 64);
        if (bytes.length === struct.size) struct.decode(bytes);
        else expect(() => struct.decode(bytes)).toThrow(LengthError);
      }),
    );
  });
});

test('each kind of damage comes, and none leaves the bytes as they were', () => {
  const good = Uint8Array.from({ length: 40 }, (_, i) => i);
  const seen = fc.sample(nearly(good), { numRuns: 300, seed: 1 });
  expect(new Set(seen.map(({ length }) => Math.sign(length - good.length)))).toEqual(new Set([-1, 0, 1]));
  fc.assert(
    fc.property(nearly(good), (bytes) => {
      expect(toHex(bytes)).not.toBe(toHex(good));
    }),
  );
  expect(nearly(new Uint8Array())).toBeDefined();
  fc.assert(
    fc.property(changed(Uint8Array.of(5)), ([byte]) => {
      expect(byte).not.toBe(5);
    }),
  );
});

test('edges come often, and all fit', () => {
  const seen = fc.sample(edgy(16), { numRuns: 1000, seed: 1 });
  expect(seen.every((number) => number >= 0n && number <= 0xffffn)).toBe(true);
  for (const edge of [0n, 0xffffn, 0x8000n, 0x7fffn]) expect(seen).toContain(edge);
});

test('secret tables are read to their end; nearly valid ones without a throw', () => {
  fc.assert(
    fc.property(secretTables(), (table) => {
      expect(readSecretTable(table).error).toBeUndefined();
    }),
  );
  let refused = 0;
  fc.assert(
    fc.property(nearlyValidSecretTables(), (table) => {
      if (readSecretTable(table).error !== undefined) refused++;
    }),
  );
  expect(refused).toBeGreaterThan(0);
});

test('a name that is none is refused', () => {
  expect(() => validBytes('paket-header')).toThrow(/expected one of .*, got paket-header/);
});
