import { describe, expect, test } from 'vitest';
import images from '../../test/vectors/ovmf/guid-tables.json' with { type: 'json' };
import { concat, fromHex, toHex, utf8 } from '../bytes.ts';
import {
  type Guid,
  OVMF_TABLE_FOOTER_GUID,
  parseGuid,
  SEV_ES_RESET_BLOCK_GUID,
  SEV_HASH_TABLE_BLOCK_GUID,
  SEV_METADATA_GUID,
  SEV_SECRET_BLOCK_GUID,
} from '../guid.ts';
import { LengthError } from '../layout.ts';
import { buildGuidedTable, findArea, findEntry, GuidedEntryTail, readGuidedTable } from './guided-table.ts';

/** An image of zeros with a table where tables are. */
function imageWith(table: Uint8Array, size = 8192): Uint8Array {
  const image = new Uint8Array(size);
  image.set(table, size - 32 - table.length);
  return image;
}

const entry = (guid: Guid, data: Uint8Array, len = data.length + 18): Uint8Array =>
  concat(data, GuidedEntryTail.encode({ len, guid }));

/** A table by its bytes, with the total length that the footer should announce. */
const tableOf = (...entries: Uint8Array[]): Uint8Array => {
  const payload = concat(...entries);
  return concat(payload, GuidedEntryTail.encode({ len: payload.length + 18, guid: OVMF_TABLE_FOOTER_GUID }));
};

const footer = (len: number): Uint8Array => GuidedEntryTail.encode({ len, guid: OVMF_TABLE_FOOTER_GUID });

const reset = entry(SEV_ES_RESET_BLOCK_GUID, fromHex('04b08000'));
const secret = entry(SEV_SECRET_BLOCK_GUID, fromHex('00008100 000c0000'));
const hashes = entry(SEV_HASH_TABLE_BLOCK_GUID, fromHex('000c8100 00040000'));

describe('tables of real images', () => {
  test('there are 25 images, 14 of them with a table', () => {
    expect(images).toHaveLength(25);
    expect(images.filter((image) => image.footer)).toHaveLength(14);
  });

  test.each(images.map((image) => [`${image.package} ${image.file}`, image] as const))(
    '%s',
    (_, recorded) => {
      const image = new Uint8Array(recorded.size);
      image.set(fromHex(recorded.last48), recorded.size - 48);
      if (recorded.table_hex !== undefined)
        image.set(fromHex(recorded.table_hex), recorded.table_file_offset);
      const table = readGuidedTable(image);

      if (table.kind === 'none') {
        expect(recorded.footer).toBe(false);
        return;
      }
      expect({ offset: table.offset, size: table.size, damaged: table.damaged }).toEqual({
        offset: recorded.table_file_offset,
        size: recorded.table_len,
        damaged: undefined,
      });
      expect(table.entries.map(({ guid, data, offset }) => ({ guid, data: toHex(data), offset }))).toEqual(
        recorded.entries?.map(({ guid, data, data_file_offset }) => ({
          guid,
          data,
          offset: data_file_offset,
        })),
      );
      const inFileOrder = table.entries.toReversed();
      expect(toHex(buildGuidedTable(inFileOrder))).toBe(recorded.table_hex);
    },
  );

  test('OVMF.amdsev.fd of 2026.08 announces its secret area', () => {
    const recorded = images.find((image) => image.file.endsWith('OVMF.amdsev.fd'));
    const table = readGuidedTable(imageWith(fromHex(recorded?.table_hex ?? '')));
    expect(findArea(table, SEV_SECRET_BLOCK_GUID)).toEqual({ base: 0x810000, size: 0xc00 });
    expect(findArea(table, SEV_HASH_TABLE_BLOCK_GUID)).toEqual({ base: 0x810c00, size: 0x400 });
  });
});

/** What a caller of QEMU's lookup would see of an image. */
function seen(image: Uint8Array): { kind: string; found: string[]; complaint: boolean } {
  const table = readGuidedTable(image);
  const wanted = [SEV_ES_RESET_BLOCK_GUID, SEV_SECRET_BLOCK_GUID, SEV_HASH_TABLE_BLOCK_GUID];
  const found = wanted.flatMap((guid) => {
    const hit = findEntry(table, guid);
    return hit ? [toHex(hit.data)] : [];
  });
  const complaint = table.kind === 'none' && table.reason.includes('OVMF table has invalid size');
  return { kind: table.kind, found, complaint };
}

const flipped = (bytes: Uint8Array, fromEnd: number): Uint8Array => {
  const copy = bytes.slice();
  copy[copy.length - fromEnd]! ^= 1;
  return copy;
};

const whole = tableOf(hashes, secret, reset);
const nothing = { kind: 'none', found: [], complaint: false };
const invalidSize = { kind: 'none', found: [], complaint: true };
const table = (...found: string[]) => ({ kind: 'table', found, complaint: false });
const RESET = '04b08000';
const SECRET = '00008100000c0000';
const HASHES = '000c810000040000';

// hw/i386/pc_sysfw_ovmf.c, pc_system_parse_ovmf_flash and pc_system_ovmf_table_find.
test.each([
  ['a variable store', new Uint8Array(8192).fill(0xff), nothing],
  ['4095 bytes', imageWith(whole, 4095), nothing],
  ['4096 bytes', imageWith(whole, 4096), table(RESET, SECRET, HASHES)],
  ['first byte of the footer GUID', flipped(imageWith(whole), 48), nothing],
  ['last byte of the footer GUID', flipped(imageWith(whole), 33), nothing],
  ['total length 17', imageWith(footer(17)), invalidSize],
  ['total length 0', imageWith(footer(0)), invalidSize],
  ['total length 18', imageWith(footer(18)), nothing],
  ['a payload as long as what is before the footer', imageWith(footer(4096 - 32), 4096), table()],
  ['a payload one byte longer', imageWith(footer(4096 - 31), 4096), invalidSize],
  ['total length 0xffff', imageWith(footer(0xffff), 4096), invalidSize],
  [
    'entry length 17',
    imageWith(tableOf(hashes, entry(SEV_SECRET_BLOCK_GUID, fromHex('00008100 000c0000'), 17), reset)),
    table(RESET),
  ],
  [
    'entry length of all that is left',
    imageWith(tableOf(entry(SEV_SECRET_BLOCK_GUID, new Uint8Array(52), 70), reset)),
    table(RESET, '00'.repeat(52)),
  ],
  [
    'entry length one more than what is left',
    imageWith(tableOf(hashes, entry(SEV_SECRET_BLOCK_GUID, new Uint8Array(8), 53), reset)),
    table(RESET),
  ],
  ['entry length 18', imageWith(tableOf(entry(SEV_SECRET_BLOCK_GUID, new Uint8Array()))), table('')],
  [
    'two secret entries',
    imageWith(tableOf(entry(SEV_SECRET_BLOCK_GUID, fromHex('11'.repeat(8))), secret)),
    table(SECRET),
  ],
  [
    'an unknown GUID between, and another order',
    imageWith(
      tableOf(secret, entry(parseGuid('12345678-0000-4000-8000-000000000000'), utf8('?')), hashes, reset),
    ),
    table(RESET, SECRET, HASHES),
  ],
  ['17 bytes before the first entry', imageWith(tableOf(new Uint8Array(17), reset)), table(RESET)],
] as const)('%s', (_, image, expected) => {
  expect(seen(image)).toEqual(expected);
});

test('a damaged entry is told, with what it announces', () => {
  const image = imageWith(
    tableOf(hashes, entry(SEV_SECRET_BLOCK_GUID, fromHex('0000810000 0c0000'), 17), reset),
  );
  const read = readGuidedTable(image);
  expect(read.kind === 'table' && read.damaged).toContain(`${SEV_SECRET_BLOCK_GUID} announces 17 bytes`);
});

test('an area of another length than 8 bytes is no area', () => {
  for (const length of [0, 7, 9]) {
    const read = readGuidedTable(
      imageWith(tableOf(entry(SEV_SECRET_BLOCK_GUID, new Uint8Array(length)), reset)),
    );
    expect(findEntry(read, SEV_SECRET_BLOCK_GUID)?.data).toHaveLength(length);
    expect(findArea(read, SEV_SECRET_BLOCK_GUID)).toBeUndefined();
  }
});

test('a lookup never gives the footer', () => {
  expect(findEntry(readGuidedTable(imageWith(whole)), OVMF_TABLE_FOOTER_GUID)).toBeUndefined();
});

test('the case of the wanted GUID does not matter', () => {
  const image = imageWith(tableOf(entry(SEV_METADATA_GUID, fromHex('c4050000')), reset));
  const found = findEntry(readGuidedTable(image), parseGuid('DC886566-984A-4798-A75e-5585A7BF67CC'));
  expect(toHex(found?.data ?? new Uint8Array())).toBe('c4050000');
});

test('a table of 65,535 bytes is built, one more is refused', () => {
  const data = (length: number) => [{ guid: SEV_SECRET_BLOCK_GUID, data: new Uint8Array(length) }];
  expect(buildGuidedTable(data(0xffff - 36))).toHaveLength(0xffff);
  expect(() => buildGuidedTable(data(0xffff - 35))).toThrow(LengthError);
});
