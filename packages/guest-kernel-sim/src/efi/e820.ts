import {
  E820_ENTRIES_OFFSET,
  E820_MAX_ENTRIES_ZEROPAGE,
  E820_TABLE_OFFSET,
  E820_TYPE,
  E820Entry,
} from '@sevlab/codec/efi/boot-params';
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
  const entries = Array.from({ length: count }, (_, i) =>
    E820Entry.decodeAt(bootParams, E820_TABLE_OFFSET + i * E820Entry.size),
  ).sort((a, b) => (a.addr < b.addr ? -1 : a.addr > b.addr ? 1 : 0));
  state.e820 = entries;
  state.iomem = iomemRegions(entries);

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

const range = (start: bigint, end: bigint): string => `${address(start)}-${address(end - 1n)}`;
const address = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}`;
