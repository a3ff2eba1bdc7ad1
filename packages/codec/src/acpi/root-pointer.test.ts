import { expect, test } from 'vitest';
import { gpa } from '../address.ts';
import { fromHex, toHex } from '../bytes.ts';
import { sealAcpiTable } from './description-header.ts';
import { encodeRsdp, encodeRsdp10, Rsdp } from './root-pointer.ts';

// As Debian's OVMF 2022.11 gives them to q35.
const REAL_10 = '5253442050545220ec424f434853200000d0771f';
const REAL = '525344205054522076424f434853200274d0771f24000000e8d0771f000000008e000000';
const REAL_RSDT =
  '5253445438000000019b424f4348532042585043202020200100000020202020' +
  '130000010090771f0080771f0070771f0060771f0050771f';

test('the structure of ACPI 1.0', () => {
  expect(toHex(encodeRsdp10('BOCHS ', 0x1f77d000))).toBe(REAL_10);
});

test('the structure of ACPI 2.0, with two checksums', () => {
  const addresses = { rsdtAddress: 0x1f77d074, xsdtAddress: gpa(0x1f77d0e8n) };
  expect(toHex(encodeRsdp({ oemId: 'BOCHS ', ...addresses }))).toBe(REAL);
  expect(Rsdp.decode(fromHex(REAL))).toMatchObject({ signature: 'RSD PTR ', revision: 2, ...addresses });
});

test('the checksum of a table, whatever stood in its place', () => {
  const table = fromHex(REAL_RSDT);
  table[9] = 0x55;
  expect(toHex(sealAcpiTable(table))).toBe(REAL_RSDT);
});
