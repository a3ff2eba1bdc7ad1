import { gpa } from '@sevlab/codec/address';
import {
  EFI_MEMORY_RAM,
  EFI_MEMORY_RUNTIME,
  EFI_MEMORY_TYPE,
  EFI_PAGE_SIZE,
  type EfiMemoryDescriptor,
  type EfiMemoryType,
} from '@sevlab/codec/efi/memory-map';

const PAGE = BigInt(EFI_PAGE_SIZE);
const MIB = 1024n * 1024n;
const GIB = 1024n * MIB;

export const MIN_MEMORY_SIZE: bigint = 64n * MIB;
export const MAX_MEMORY_SIZE: bigint = 64n * GIB;

/** Guest-physical memory from `start` to `end`, both in bytes and page aligned; `end` is not part of it. */
export interface MemoryRange {
  readonly type: EfiMemoryType;
  readonly start: bigint;
  readonly end: bigint;
}

/** What is wrong with a size of RAM, in bytes, for this firmware. */
export const memorySizeFault = (memorySize: bigint): string | undefined =>
  memorySize % PAGE !== 0n || memorySize < MIN_MEMORY_SIZE || memorySize > MAX_MEMORY_SIZE
    ? `memory size: expected a multiple of 4096 from ${MIN_MEMORY_SIZE} to ${MAX_MEMORY_SIZE}, got ${memorySize}`
    : undefined;

/**
 * The RAM that QEMU's q35 machine gives a guest (hw/i386/pc_q35.c: from 2816 MiB on, all above 2 GiB lies behind
 * 4 GiB), without the VGA and BIOS hole. Throws RangeError unless the size is whole pages from 64 MiB to 64 GiB.
 */
export function ramOf(memorySize: bigint): { ranges: MemoryRange[]; lowEnd: bigint } {
  const fault = memorySizeFault(memorySize);
  if (fault !== undefined) throw new RangeError(fault);
  const lowEnd = memorySize < 2816n * MIB ? memorySize : 2n * GIB;
  const ranges: MemoryRange[] = [
    { type: 'EfiConventionalMemory', start: 0n, end: 0xa0000n },
    { type: 'EfiConventionalMemory', start: 0x100000n, end: lowEnd },
  ];
  if (memorySize > lowEnd) {
    ranges.push({ type: 'EfiConventionalMemory', start: 4n * GIB, end: 4n * GIB + memorySize - lowEnd });
  }
  return { ranges, lowEnd };
}

/**
 * Where firmware keeps its own memory: offsets below the end of low RAM, and pages. From RuntimeServicesData to
 * ACPIMemoryNVS these are the bins of OVMF's memory type information, as the AmdSev build of 2026.08 places them;
 * BootServicesData and LoaderData are what this firmware and the loader of the kernel need.
 */
const BINS = {
  EfiLoaderData: { below: 0xb23000n, pages: 2n },
  EfiBootServicesData: { below: 0xb21000n, pages: 16n },
  EfiRuntimeServicesData: { below: 0xb11000n, pages: 256n },
  EfiRuntimeServicesCode: { below: 0xa11000n, pages: 256n },
  EfiReservedMemoryType: { below: 0x911000n, pages: 128n },
  EfiACPIReclaimMemory: { below: 0x891000n, pages: 16n },
  EfiACPIMemoryNVS: { below: 0x881000n, pages: 128n },
} as const satisfies Partial<Record<EfiMemoryType, { below: bigint; pages: bigint }>>;

export type BinType = keyof typeof BINS;

export function binOf(type: BinType, lowEnd: bigint): MemoryRange {
  const start = lowEnd - BINS[type].below;
  return { type, start, end: start + BINS[type].pages * PAGE };
}

export const binsOf = (lowEnd: bigint): MemoryRange[] =>
  Object.keys(BINS).map((type) => binOf(type as BinType, lowEnd)); // the keys of a constant are its type

/**
 * What GetMemoryMap answers: RAM in ascending order, with the allocations taken out of conventional memory. The first
 * allocation of a page decides its type, and where there is no RAM there is no entry.
 */
export function memoryMap(
  ram: readonly MemoryRange[],
  allocations: readonly MemoryRange[],
): EfiMemoryDescriptor[] {
  return allocations
    .reduce<readonly MemoryRange[]>((ranges, taken) => ranges.flatMap((range) => take(range, taken)), ram)
    .toSorted((a, b) => (a.start < b.start ? -1 : 1))
    .map(({ type, start, end }) => ({
      type: EFI_MEMORY_TYPE[type],
      physicalStart: gpa(start),
      virtualStart: gpa(0n),
      numberOfPages: (end - start) / PAGE,
      attribute: type.startsWith('EfiRuntime') ? EFI_MEMORY_RUNTIME | EFI_MEMORY_RAM : EFI_MEMORY_RAM,
    }));
}

function take(range: MemoryRange, taken: MemoryRange): MemoryRange[] {
  // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint.
  const start = taken.start > range.start ? taken.start : range.start;
  // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigint.
  const end = taken.end < range.end ? taken.end : range.end;
  if (range.type !== 'EfiConventionalMemory' || start >= end) return [range];
  const pieces = [
    { type: range.type, start: range.start, end: start },
    { type: taken.type, start, end },
    { type: range.type, start: end, end: range.end },
  ];
  return pieces.filter((piece) => piece.start < piece.end);
}
