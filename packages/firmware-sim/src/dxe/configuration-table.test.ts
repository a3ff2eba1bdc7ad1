import { gpa } from '@sevlab/codec/address';
import { parseGuid } from '@sevlab/codec/guid';
import { expect, test } from 'vitest';
import { installConfigurationTable, type TableToInstall } from './configuration-table.ts';

const [A, B, C] = [1, 2, 3].map((n) => parseGuid(`0000000${n}-0000-4000-8000-000000000000`));
const table = (vendorGuid = A!, address: bigint | undefined = 0x1000n): TableToInstall => ({
  vendorGuid,
  vendorTable: address === undefined ? undefined : gpa(address),
});
const without = (vendorGuid = A!): TableToInstall => ({ vendorGuid, vendorTable: undefined });
const installed = (...tables: readonly TableToInstall[]) => tables.reduce(installConfigurationTable, []);

test('tables come in the order of their installation', () => {
  expect(installed(table(B), table(A), table(C))).toEqual([table(B), table(A), table(C)]);
});

test('a second installation replaces the address, and neither place nor count', () => {
  expect(installed(table(A), table(B), table(C), table(B, 0x2000n))).toEqual([
    table(A),
    table(B, 0x2000n),
    table(C),
  ]);
});

test('installing nothing takes the table out, and the others keep their order', () => {
  expect(installed(table(A), table(B), table(C), without(B))).toEqual([table(A), table(C)]);
  expect(installed(table(A), without(B))).toEqual([table(A)]);
});

test('address 0 is an address', () => {
  expect(installed(table(A, 0n))).toEqual([table(A, 0n)]);
});
