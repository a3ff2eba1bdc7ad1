import { expect, test } from 'vitest';
import capture from '../../test/vectors/efi/amdsev-202608-512M.json' with { type: 'json' };
import { gpa } from '../address.ts';
import { fromHex, toHex } from '../bytes.ts';
import { LINUX_EFI_COCO_SECRET_AREA_GUID } from '../guid.ts';
import { crc32 } from './crc32.ts';
import { SecretLocation } from './secret-location.ts';
import {
  EFI_SYSTEM_TABLE_REVISION,
  EFI_SYSTEM_TABLE_SIGNATURE,
  EfiConfigurationTable,
  EfiSystemTable,
  encodeSystemTable,
} from './system-table.ts';

const systemTable = fromHex(capture.systab_hex);

const withoutCrc = (table: Uint8Array): Uint8Array => {
  const copy = table.slice();
  copy.fill(0, 16, 20);
  return copy;
};

test('CRC-32 of the check string of the CRC catalogues', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test('the CRC of a real system table', () => {
  expect(crc32(withoutCrc(systemTable))).toBe(0x72fcf558);
});

test('the CRC of a real runtime services table', () => {
  expect(crc32(withoutCrc(fromHex(capture.runtime_hex)))).toBe(0xe15863d4);
});

test('a real system table in all its fields', () => {
  const table = EfiSystemTable.decode(systemTable);
  expect(table).toEqual({
    signature: EFI_SYSTEM_TABLE_SIGNATURE,
    revision: EFI_SYSTEM_TABLE_REVISION,
    headerSize: 120,
    crc32: 0x72fcf558,
    firmwareVendor: 0x1f5cb498n,
    firmwareRevision: 0x10000,
    consoleInHandle: 0n,
    conIn: 0n,
    consoleOutHandle: 0n,
    conOut: 0n,
    standardErrorHandle: 0n,
    stdErr: 0n,
    runtimeServices: BigInt(capture.runtime_gpa),
    bootServices: 0n,
    numberOfTableEntries: capture.config.length,
    configurationTable: BigInt(capture.config_table_gpa),
  });
  expect(toHex(encodeSystemTable(table))).toBe(capture.systab_hex);
});

test('another count is another CRC', () => {
  const table = EfiSystemTable.decode(systemTable);
  const changed = encodeSystemTable({ ...table, numberOfTableEntries: table.numberOfTableEntries - 1 });
  const { crc32: stored } = EfiSystemTable.decode(changed);
  expect(stored).not.toBe(0x72fcf558);
  expect(stored).toBe(crc32(withoutCrc(changed)));
});

test('the configuration table of a real guest, entry by entry', () => {
  const array = fromHex(capture.config_table_hex);
  expect(EfiConfigurationTable.size).toBe(24);
  const entries = capture.config.map((_, i) => EfiConfigurationTable.decodeAt(array, 24 * i));
  expect(entries.map(({ vendorGuid, vendorTable }) => ({ guid: vendorGuid, table: vendorTable }))).toEqual(
    capture.config.map(({ guid, table }) => ({ guid, table: BigInt(table) })),
  );
  const location = entries.find(({ vendorGuid }) => vendorGuid === LINUX_EFI_COCO_SECRET_AREA_GUID);
  expect(location?.vendorTable).toBe(BigInt(capture.coco_struct_gpa));
});

test('an entry is the GUID in mixed order, then the pointer', () => {
  const entry = { vendorGuid: LINUX_EFI_COCO_SECRET_AREA_GUID, vendorTable: gpa(0x1f77c018n) };
  expect(toHex(EfiConfigurationTable.encode(entry))).toBe('ad56f9ad8ce94c48ae11b51c7d33644718c0771f00000000');
});

test('where a real firmware says the secret area lies, two u64', () => {
  expect(SecretLocation.decode(fromHex(capture.coco_struct_hex))).toEqual({
    basePa: 0x810000n,
    size: 0xc00n,
  });
});
