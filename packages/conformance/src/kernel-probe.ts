import { type Gpa, gpa } from '@sevlab/codec/address';
import { fromHex } from '@sevlab/codec/bytes';
import { E820_TYPE, type EfiInfo } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_TYPE } from '@sevlab/codec/efi/memory-map';
import type { EfiSystemTable } from '@sevlab/codec/efi/system-table';
import { parseGuid } from '@sevlab/codec/guid';
import type { TableFaults } from '@sevlab/guest-kernel-sim/plain-guest';
import {
  type E820Word,
  EFI_TABLES,
  type KernelCase,
  type KernelGiven,
  type KernelTables,
  type NumberText,
} from './case.ts';
import type { Probe } from './fuzz-areas.ts';
import { secretAreaBytes } from './secret-area.ts';

const DEFAULT_BASE = 0x300_0000n;
const DEFAULT_SIZE = 0x1_0000n;

const E820_OF_WORD: Readonly<Record<E820Word, number>> = {
  usable: E820_TYPE.RAM,
  reserved: E820_TYPE.RESERVED,
  'ACPI data': E820_TYPE.ACPI,
  'ACPI NVS': E820_TYPE.NVS,
};

/** What the location structure says. */
interface Place {
  readonly base: Gpa;
  readonly size: bigint;
}

/** What a kernel is asked in a case, whichever kernel it is. */
export const kernelProbe = ({ id, given, when }: KernelCase): Probe & Place => ({
  name: id,
  area: secretAreaBytes(given.area),
  base: gpa(BigInt(given.base ?? DEFAULT_BASE)),
  size: BigInt(given.size ?? DEFAULT_SIZE),
  ...(given.at !== undefined && { at: gpa(BigInt(given.at)) }),
  mode: modeOf(given),
  operations: when,
  ...(given.build?.includes('EFI_SECRET=y') && { builtIn: true }),
  ...(given.tables && { tables: tableFaults(given.tables) }),
});

/** How the driver comes to the device. */
export const modeOf = ({ mode, tables }: KernelGiven): Probe['mode'] =>
  mode ?? (tables === undefined ? 'bind' : 'load');

/** The tables of a case. */
export function tableFaults({
  loader,
  systemTable = {},
  entries,
  memoryMap = {},
  page,
  commandLine,
  bytes = [],
}: KernelTables): TableFaults {
  const efiInfo: Partial<EfiInfo> = {
    ...(loader && { efiLoaderSignature: loader === 'none' ? '\0\0\0\0' : loader }),
    ...split(systemTable.address, 'efiSystab', 'efiSystabHi'),
    ...split(memoryMap.address, 'efiMemmap', 'efiMemmapHi'),
    ...number(memoryMap.size, 'efiMemmapSize'),
    ...number(memoryMap.descriptorSize, 'efiMemdescSize'),
    ...number(memoryMap.descriptorVersion, 'efiMemdescVersion'),
  };
  const table: Partial<EfiSystemTable> = {
    ...(systemTable.signature !== undefined && { signature: systemTable.signature }),
    ...number(systemTable.revision, 'revision'),
    ...number(systemTable.headerSize, 'headerSize'),
    ...number(systemTable.crc, 'crc32'),
    ...number(systemTable.count, 'numberOfTableEntries'),
    ...address(systemTable.vendor, 'firmwareVendor'),
    ...address(systemTable.entries, 'configurationTable'),
  };
  return {
    efiInfo,
    systemTable: table,
    ...(entries && {
      entries: entries.map((entry) => ({
        vendorGuid: parseGuid(EFI_TABLES[entry.table]),
        vendorTable: gpa(BigInt(entry.address)),
      })),
    }),
    ...(page && {
      page: {
        ...(page.e820 && { e820: E820_OF_WORD[page.e820] }),
        ...(page.efi && { efi: EFI_MEMORY_TYPE[page.efi] }),
      },
    }),
    ...(commandLine !== undefined && { commandLine }),
    bytes: bytes.map((each) => ({ at: gpa(BigInt(each.at)), bytes: fromHex(each.bytes) })),
  };
}

const number = <K extends string>(value: NumberText | undefined, key: K) =>
  value === undefined ? {} : ({ [key]: Number(value) } as Record<K, number>);

const address = <K extends string>(value: NumberText | undefined, key: K) =>
  value === undefined ? {} : ({ [key]: gpa(BigInt(value)) } as Record<K, ReturnType<typeof gpa>>);

/** boot_params have addresses in two halves. */
const split = <L extends string, H extends string>(value: NumberText | undefined, low: L, high: H) =>
  value === undefined
    ? {}
    : ({
        [low]: Number(BigInt(value) & 0xffff_ffffn),
        [high]: Number(BigInt(value) >> 32n),
      } as Record<L | H, number>);
