import { expect, test } from 'vitest';
import vectors from '../../test/vectors/secret-tables.json' with { type: 'json' };
import { concat, fromHex, toHex, utf8 } from '../bytes.ts';
import { type Guid, NULL_GUID, parseGuid } from '../guid.ts';
import { encodeSecretTable, readSecretTable, type Secret, SecretEntry } from './secret-table.ts';

const PASSWORD = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const OTHER = parseGuid('e6f5a162-d67f-4750-a67c-5d065f2a9910');
const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);

/** Written by hand from the layout in efi_secret.c; a real kernel reads both secrets from it. */
const EXAMPLE = fromHex(`
  42f5741edd71664d963eef4287ff173b 64000000
  e5696873f084734992ec06879ce3da0b 1c000000 68756e7465723200
  62a1f5e67fd65047a67c5d065f2a9910 34000000
  000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f`);
const SECRETS: readonly Secret[] = [
  { guid: PASSWORD, data: utf8('hunter2\0') },
  { guid: OTHER, data: ascending },
];

test('the worked example, written', () => {
  expect(EXAMPLE).toHaveLength(100);
  expect(toHex(encodeSecretTable(SECRETS))).toBe(toHex(EXAMPLE));
});

test('the worked example, read', () => {
  const table = readSecretTable(EXAMPLE);
  expect(table.header?.len).toBe(100);
  expect(table.entries).toEqual([
    { guid: PASSWORD, data: utf8('hunter2\0'), offset: 20, len: 28 },
    { guid: OTHER, data: ascending, offset: 48, len: 52 },
  ]);
  expect(table).not.toHaveProperty('error');
});

test.each(vectors.cases)('sevctl makes the same table: $name', ({ secrets, padding, area }) => {
  const ours = encodeSecretTable(
    secrets.map(({ guid, data }) => ({ guid: parseGuid(guid), data: fromHex(data) })),
  );
  expect(toHex(ours) + '00'.repeat(padding)).toBe(area);
  const { entries, error } = readSecretTable(fromHex(area));
  expect(entries.map(({ guid, data }) => ({ guid, data: toHex(data) }))).toEqual(secrets);
  expect(error).toBeUndefined();
});

test('a GUID is given once, and never NULL_GUID', () => {
  const secret = (guid: Guid): Secret => ({ guid, data: ascending });
  expect(() => encodeSecretTable([secret(PASSWORD), secret(OTHER), secret(PASSWORD)])).toThrow(
    new RangeError(`secret ${PASSWORD} is given twice; expected each GUID once`),
  );
  expect(() => encodeSecretTable([secret(NULL_GUID)])).toThrow(
    new RangeError(`secret ${NULL_GUID} is NULL_GUID, which marks a deleted entry`),
  );
});

function patched(offset: number, ...bytes: number[]): Uint8Array {
  const area = EXAMPLE.slice();
  area.set(bytes, offset);
  return area;
}

test.each<[string, Uint8Array, string, number]>([
  ['no room for a header', EXAMPLE.subarray(0, 19), 'the area has 19 bytes; expected 20 or more', 0],
  ['no bytes', EXAMPLE.subarray(0, 0), 'the area has 0 bytes; expected 20 or more', 0],
  [
    'another GUID in front',
    patched(0, 0x43),
    'the area starts with 1e74f543-71dd-4d66-963e-ef4287ff173b; expected 1e74f542-71dd-4d66-963e-ef4287ff173b',
    0,
  ],
  ['a header shorter than itself', patched(16, 19), 'the header announces 19 bytes; expected 20 to 100', 0],
  ['a table longer than the area', patched(16, 101), 'the header announces 101 bytes; expected 20 to 100', 0],
  [
    'an entry shorter than its head',
    patched(36, 19),
    'the entry at offset 20 announces 19 bytes; expected 20 to 80',
    0,
  ],
  [
    'an entry that runs over the end',
    patched(64, 53),
    'the entry at offset 48 announces 53 bytes; expected 20 to 52',
    1,
  ],
  [
    'an entry of 2^32-1 bytes',
    patched(64, 0xff, 0xff, 0xff, 0xff),
    'the entry at offset 48 announces 4294967295 bytes; expected 20 to 52',
    1,
  ],
])('%s: what was found before stays, and the fault is told', (_, area, error, found) => {
  const table = readSecretTable(area);
  expect(table.error).toBe(error);
  expect(table.entries).toHaveLength(found);
});

test.each<[string, Uint8Array, number]>([
  ['a table that ends before the area', patched(16, 48), 1],
  ['a header without entries', patched(16, 20), 0],
  ['19 bytes behind the last entry', patched(16, 67), 1],
])('%s is sound', (_, area, found) => {
  const table = readSecretTable(area);
  expect(table.entries).toHaveLength(found);
  expect(table.error).toBeUndefined();
});

test('what is read from a Buffer is a copy too', () => {
  const area = Buffer.from(EXAMPLE);
  const { entries } = readSecretTable(area);
  area.fill(0);
  expect(entries[1]?.data).toEqual(ascending);
});

test('a deleted entry is shown, and so is the 65th', () => {
  const deleted = concat(SecretEntry.encode({ guid: NULL_GUID, len: 28 }), new Uint8Array(8));
  expect(readSecretTable(patched(20, ...deleted)).entries[0]).toEqual({
    ...{ guid: NULL_GUID, data: new Uint8Array(8), offset: 20, len: 28 },
  });
  const many = Array.from({ length: 65 }, (_, i) => ({
    guid: parseGuid(`00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`),
    data: Uint8Array.of(i),
  }));
  expect(readSecretTable(encodeSecretTable(many)).entries).toHaveLength(65);
});
