import { type Gpa, gpa } from '@sevlab/codec/address';
import { E820_TYPE, type E820Entry } from '@sevlab/codec/efi/boot-params';

/** A line of /proc/iomem. */
export interface IomemRegion {
  readonly start: Gpa;
  /** The last byte, not the one behind it. */
  readonly last: Gpa;
  readonly name: string;
}

/** arch/x86/kernel/e820.c, e820_type_to_string(). */
const NAMES: Readonly<Record<number, string>> = {
  [E820_TYPE.RAM]: 'System RAM',
  [E820_TYPE.RESERVED]: 'Reserved',
  [E820_TYPE.ACPI]: 'ACPI Tables',
  [E820_TYPE.NVS]: 'ACPI Non-volatile Storage',
  [E820_TYPE.UNUSABLE]: 'Unusable memory',
  [E820_TYPE.PMEM]: 'Persistent Memory',
};

const PAGE = 4096n;
const BIOS_BEGIN = 0xa0000n;
const BIOS_END = 0x100000n;

/**
 * Resources from the e820 map: page 0 becomes reserved and RAM of the BIOS range is dropped
 * (arch/x86/kernel/setup.c, trim_bios_range()).
 * NOT MODELLED: devices' and the kernel image's own resources.
 */
export function iomemRegions(e820: readonly E820Entry[]): IomemRegion[] {
  return e820.flatMap(({ addr, size, type }) => {
    const name = NAMES[type] ?? 'Unknown E820 type';
    const end = addr + size;
    if (size === 0n) return [];
    if (type !== E820_TYPE.RAM) return [region(addr, end, name)];
    const pieces: IomemRegion[] = [];
    if (addr < PAGE) pieces.push(region(addr, end < PAGE ? end : PAGE, 'Reserved'));
    const low = addr < PAGE ? PAGE : addr;
    const lowEnd = end < BIOS_BEGIN ? end : BIOS_BEGIN;
    if (low < lowEnd) pieces.push(region(low, lowEnd, name));
    const high = addr < BIOS_END ? BIOS_END : addr;
    if (high < end) pieces.push(region(high, end, name));
    return pieces;
  });
}

const region = (start: bigint, end: bigint, name: string): IomemRegion => ({
  start: gpa(start),
  last: gpa(end - 1n),
  name,
});

/** Whether any whole page of System RAM lies in the range: RAM is counted in pages, rounded inward. */
export function containsRamPage(iomem: readonly IomemRegion[], start: bigint, last: bigint): boolean {
  return iomem.some((resource) => {
    if (resource.name !== 'System RAM' || resource.last < start || resource.start > last) return false;
    const from = resource.start > start ? resource.start : start;
    const to = resource.last < last ? resource.last : last;
    return (from + PAGE - 1n) / PAGE < (to + 1n) / PAGE;
  });
}

/** The text of /proc/iomem (kernel/resource.c, r_show()). Addresses are zero for anybody but root. */
export function formatIomem(iomem: readonly IomemRegion[], root: boolean): string {
  const hex = (address: bigint): string => (root ? address : 0n).toString(16).padStart(8, '0');
  return iomem.map(({ start, last, name }) => `${hex(start)}-${hex(last)} : ${name}\n`).join('');
}
