import { gpa } from '@sevlab/codec/address';
import {
  E820_ENTRIES_OFFSET,
  E820_MAX_ENTRIES_ZEROPAGE,
  E820_TABLE_OFFSET,
  E820_TYPE,
  E820Entry,
} from '@sevlab/codec/efi/boot-params';
import {
  EFI_MEMORY_TYPE,
  EFI_MEMORY_WB,
  EFI_PAGE_SIZE,
  type EfiMemoryDescriptor,
} from '@sevlab/codec/efi/memory-map';
import { iomemRegions } from '../iomem.ts';
import { printk } from '../printk.ts';
import type { RunningKernel } from '../running-kernel.ts';

/** arch/x86/kernel/e820.c, e820_print_type(). VERSION: 7.3 names RAM and reserved memory otherwise. */
const WORDS: Readonly<Record<number, string>> = {
  [E820_TYPE.RAM]: 'usable',
  [E820_TYPE.RESERVED]: 'reserved',
  [E820_TYPE.ACPI]: 'ACPI data',
  [E820_TYPE.NVS]: 'ACPI NVS',
  [E820_TYPE.UNUSABLE]: 'unusable',
  [E820_TYPE.PMEM]: 'persistent (type 7)',
};
const NEW_WORDS: Readonly<Record<number, string>> = {
  ...WORDS,
  [E820_TYPE.RAM]: 'System RAM',
  [E820_TYPE.RESERVED]: 'device reserved',
};

/** Reads the e820 map out of boot_params (4096 bytes), prints it, and derives the resources. */
export function setupMemoryMap(kernel: RunningKernel, bootParams: Uint8Array): void {
  const { state } = kernel;
  const count = Math.min(bootParams[E820_ENTRIES_OFFSET]!, E820_MAX_ENTRIES_ZEROPAGE);
  const given = Array.from({ length: count }, (_, i) =>
    E820Entry.decodeAt(bootParams, E820_TABLE_OFFSET + i * E820Entry.size),
  );
  const entries = updateTable(given);
  takeMap(kernel, entries);

  printk(kernel, 'info', 'BIOS-provided physical RAM map:');
  const modern = state.profile.e820 === 'System RAM';
  const words = modern ? NEW_WORDS : WORDS;
  let end: bigint | undefined;
  for (const { addr, size, type } of entries) {
    if (modern && end !== undefined && end < addr)
      printk(kernel, 'info', `BIOS-e820: [gap ${range(end, addr)}]`);
    const word = words[type] ?? `type ${type}`;
    printk(kernel, 'info', `BIOS-e820: [mem ${range(addr, addr + size)}]${modern ? '  ' : ' '}${word}`);
    end = addr + size;
  }
}

/** What each EFI type is in e820 (arch/x86/platform/efi/efi.c, do_add_efi_memmap()); all others are reserved. */
const E820_OF_EFI: Readonly<Record<number, number>> = {
  [EFI_MEMORY_TYPE.EfiLoaderCode]: E820_TYPE.RAM,
  [EFI_MEMORY_TYPE.EfiLoaderData]: E820_TYPE.RAM,
  [EFI_MEMORY_TYPE.EfiBootServicesCode]: E820_TYPE.RAM,
  [EFI_MEMORY_TYPE.EfiBootServicesData]: E820_TYPE.RAM,
  [EFI_MEMORY_TYPE.EfiConventionalMemory]: E820_TYPE.RAM,
  [EFI_MEMORY_TYPE.EfiACPIReclaimMemory]: E820_TYPE.ACPI,
  [EFI_MEMORY_TYPE.EfiACPIMemoryNVS]: E820_TYPE.NVS,
  [EFI_MEMORY_TYPE.EfiUnusableMemory]: E820_TYPE.UNUSABLE,
};

/** `add_efi_memmap` on the command line: the entries of EFI's map are added to those of the e820 map. */
export function addEfiMemoryMap(kernel: RunningKernel, descriptors: readonly EfiMemoryDescriptor[]): void {
  const added = descriptors.map(({ type, physicalStart: addr, numberOfPages, attribute }) => {
    const usual = E820_OF_EFI[type] ?? E820_TYPE.RESERVED;
    const isRam = usual === E820_TYPE.RAM && (attribute & EFI_MEMORY_WB) !== 0n;
    const e820 = usual === E820_TYPE.RAM && !isRam ? E820_TYPE.RESERVED : usual;
    return { addr, size: numberOfPages * BigInt(EFI_PAGE_SIZE), type: e820 };
  });
  takeMap(kernel, updateTable([...kernel.state.e820, ...added]));
}

function takeMap({ state }: RunningKernel, entries: readonly E820Entry[]): void {
  state.e820 = entries;
  state.iomem = iomemRegions(entries);
}

/**
 * e820__update_table(): ascending entries that do not overlap. Where some did, the highest type counts; neighbours of
 * one type are one.
 */
function updateTable(given: readonly E820Entry[]): E820Entry[] {
  const some = given.filter(({ size }) => size > 0n);
  const points = [...new Set(some.flatMap(({ addr, size }): bigint[] => [addr, addr + size]))].sort(
    ascending,
  );
  const entries: E820Entry[] = [];
  for (const [i, addr] of points.slice(0, -1).entries()) {
    const types = some.filter((each) => each.addr <= addr && addr < each.addr + each.size);
    if (types.length === 0) continue;
    const type = Math.max(...types.map((each) => each.type));
    const size = points[i + 1]! - addr;
    const last = entries.at(-1);
    if (last?.type === type && last.addr + last.size === addr)
      entries.splice(-1, 1, { ...last, size: last.size + size });
    else entries.push({ addr: gpa(addr), size, type });
  }
  return entries;
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const range = (start: bigint, end: bigint): string => `${address(start)}-${address(end - 1n)}`;
const address = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}`;
