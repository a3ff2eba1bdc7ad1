import { expect, test } from 'vitest';
import { gpa } from '../address.ts';
import { fromHex, toHex } from '../bytes.ts';
import { encodeSmbios28EntryPoint, encodeSmbios30EntryPoint } from './entry-point.ts';
import { SmbiosHeader, SmbiosSystemInformation, withStrings } from './structures.ts';

// As Debian's OVMF 2022.11 gives them to q35.
const REAL_ENTRY_POINT = '5f534d5f2e1f02084b000000000000005f444d495fd77f010070511f090028';
const REAL_SYSTEM_INFORMATION =
  '011b00010102030000000000000000000000000000000000060000' +
  '51454d5500' +
  '5374616e64617264205043202851333520' +
  '2b20494348392c20323030392900' +
  '70632d7133352d372e3200' +
  '00';

test('the entry point of SMBIOS 2.8, with two checksums', () => {
  const table = {
    maximumStructureSize: 0x4b,
    structureTableLength: 0x17f,
    structureTableAddress: 0x1f517000,
    numberOfStructures: 9,
  };
  expect(toHex(encodeSmbios28EntryPoint(table))).toBe(REAL_ENTRY_POINT);
});

test('structures above 4 GiB are for the entry point of SMBIOS 3.0', () => {
  const structureTableAddress = 0x1_0000_0000;
  const rest = { maximumStructureSize: 4, structureTableLength: 6, numberOfStructures: 1 };
  expect(() => encodeSmbios28EntryPoint({ ...rest, structureTableAddress })).toThrow(RangeError);
  const encoded = encodeSmbios30EntryPoint({
    structureTableMaximumSize: 6,
    structureTableAddress: gpa(BigInt(structureTableAddress)),
  });
  // 5f+53+4d+33+5f + 18+03+01 + 06 + 01 = 1b4 in hexadecimal
  expect(toHex(encoded)).toBe(
    '5f534d335f' + '4c' + '18' + '03' + '00' + '00' + '01' + '00' + '06000000' + '0000000001000000',
  );
});

test('a structure and its strings', () => {
  const formatted = fromHex(REAL_SYSTEM_INFORMATION).subarray(0, SmbiosSystemInformation.size);
  expect(SmbiosSystemInformation.decode(formatted)).toMatchObject({
    type: 1,
    handle: 0x100,
    manufacturer: 1,
    productName: 2,
    version: 3,
    serialNumber: 0,
    wakeUpType: 6,
  });
  const strings = ['QEMU', 'Standard PC (Q35 + ICH9, 2009)', 'pc-q35-7.2'];
  expect(toHex(withStrings(formatted, strings))).toBe(REAL_SYSTEM_INFORMATION);
});

test('a structure without strings ends in two NULs all the same', () => {
  const end = SmbiosHeader.encode({ type: 127, length: 4, handle: 0xfeff });
  expect(toHex(withStrings(end, []))).toBe('7f04fffe0000');
});
