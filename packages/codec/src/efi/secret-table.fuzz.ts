import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearlyValidSecretTables, secrets } from '../../../testing/src/arbitraries.ts';
import { concat } from '../bytes.ts';
import { EFI_SECRET_TABLE_HEADER_GUID } from '../guid.ts';
import { encodeSecretTable, readSecretTable, SecretHeader } from './secret-table.ts';

test('any secrets come back, with any bytes behind the table', () => {
  fc.assert(
    fc.property(secrets(), fc.uint8Array({ maxLength: 64 }), (given, behind) => {
      const table = encodeSecretTable(given);
      const { header, entries, error } = readSecretTable(concat(table, behind));
      expect(header?.len).toBe(table.length);
      expect(entries.map(({ guid: name, data }) => ({ guid: name, data }))).toEqual(given);
      expect(error).toBeUndefined();
    }),
  );
});

test('any bytes behind a good header are walked to an end, inside the table', () => {
  const anyEntries = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    secrets().map((given) => encodeSecretTable(given).subarray(SecretHeader.size)),
  );
  fc.assert(
    fc.property(anyEntries, fc.nat({ max: 300 }), fc.nat(), fc.nat({ max: 255 }), (body, len, at, byte) => {
      const damaged = body.slice();
      if (damaged.length > 0) damaged[at % damaged.length] = byte;
      const area = concat(SecretHeader.encode({ guid: EFI_SECRET_TABLE_HEADER_GUID, len }), damaged);
      let end = SecretHeader.size;
      for (const entry of readSecretTable(area).entries) {
        expect(entry.offset).toBe(end);
        expect(entry.len).toBe(20 + entry.data.length);
        end += entry.len;
      }
      expect(end).toBeLessThanOrEqual(Math.max(Math.min(len, area.length), SecretHeader.size));
    }),
  );
});

test('any bytes at all are read without a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (area) => {
      expect(readSecretTable(area).error).toBeTypeOf('string');
    }),
  );
});

test('one that is nearly right has entries inside it, or a reason', () => {
  fc.assert(
    fc.property(nearlyValidSecretTables(), (area) => {
      const { entries, error } = readSecretTable(area);
      for (const { offset, len } of entries) expect(offset + len).toBeLessThanOrEqual(area.length);
      expect(error === undefined || error.length > 0).toBe(true);
    }),
  );
});
