import { expect, test } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { LengthError } from '../layout.ts';
import { encodeHashesTable, HASHES_TABLE_SIZE, HashesTableHeader } from './hashes-table.ts';

const digests = {
  commandLine: new Uint8Array(32).fill(0xcc),
  initrd: new Uint8Array(32).fill(0x11),
  kernel: new Uint8Array(32).fill(0x4e),
};

/** The GUIDs in EFI's order as Python's uuid.UUID(text).bytes_le gives them. */
const TABLE = `
  06d63894 224f c94c b479 a793d411fd21  a800
  d82dd097 20bd 944c aa78 e7714d36ab2a  3200  ${'cc'.repeat(32)}
  31f7ba44 2f3a d74b 9af1 41e29169781d  3200  ${'11'.repeat(32)}
  3794e74d d2ab 7f42 b835 d5b172d2045b  3200  ${'4e'.repeat(32)}
  0000000000000000`;

test('header, command line, initrd, kernel; its length counts no padding', () => {
  const table = encodeHashesTable(digests);
  expect(toHex(table)).toBe(toHex(fromHex(TABLE)));
  expect(table).toHaveLength(HASHES_TABLE_SIZE);
  expect(HashesTableHeader.decodeAt(table, 0).len).toBe(168);
});

test('LAUNCH_UPDATE_DATA takes its size', () => {
  expect(HASHES_TABLE_SIZE % 16).toBe(0);
});

test.each(['commandLine', 'initrd', 'kernel'])('a digest of %s that is no SHA-256 is refused', (which) => {
  for (const length of [0, 20, 31, 33, 48]) {
    expect(() => encodeHashesTable({ ...digests, [which]: new Uint8Array(length) })).toThrow(LengthError);
  }
});
