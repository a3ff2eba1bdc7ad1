import { type Gpa, gpa } from '@sevlab/codec/address';
import { E820_TYPE, EFI_INFO_OFFSET, EfiInfo } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_TYPE, EFI_PAGE_SIZE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { earlyMemremap } from '../efi/early-memremap.ts';
import type { RunningKernel } from '../running-kernel.ts';

export const PAGE_SIZE = EFI_PAGE_SIZE;
const PAGE = BigInt(EFI_PAGE_SIZE);

/**
 * Below this address lie the kernel's own image and what programs of the guest use of memory: see
 * apps/decrypt-file.ts, whose plaintext ends here.
 */
const FIRST_BYTE = 0x0220_0000n;
/** Pages at the end of RAM that kexecLoad() writes to. */
const KEXEC_PAGES = 4n;
/** tmpfs takes half of memory unless told otherwise (mm/shmem.c, shmem_default_max_blocks()). */
const SHARE = 2n;

/** Memory from `start` to `end`, both page aligned; `end` is not part of it. */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Which pages are free, as plain data. */
export interface PageAllocator {
  /** Memory that was never given out, in ascending order. */
  fresh: Range[];
  /** Pages that came back. They keep what was in them until they are given out again. */
  readonly freed: Gpa[];
  used: number;
  /** Pages that may be used at a time. */
  readonly limit: number;
}

/**
 * All RAM that nobody else has: what e820 calls RAM, without the kernel's image, without what firmware and loader keep
 * their things in, and without the pages for kexec.
 */
export function createPageAllocator(kernel: RunningKernel): PageAllocator {
  const { e820 } = kernel.state;
  const ram = e820.filter(({ type }) => type === E820_TYPE.RAM);
  const last = ram.at(-1);
  const taken: Range[] = [
    { start: 0n, end: FIRST_BYTE },
    ...loadersMemory(kernel),
    ...(last ? [{ start: last.addr + last.size - KEXEC_PAGES * PAGE, end: last.addr + last.size }] : []),
  ];
  const fresh = taken.reduce(
    (ranges, out) => ranges.flatMap((range) => without(range, out)),
    ram.map(({ addr, size }) => ({
      start: ((addr + PAGE - 1n) / PAGE) * PAGE,
      end: ((addr + size) / PAGE) * PAGE,
    })),
  );
  const pages = ram.reduce((sum, { size }) => sum + size / PAGE, 0n);
  return { fresh, freed: [], used: 0, limit: Number(pages / SHARE) };
}

/** The EFI memory map, and its entries that are in use. Without a map that can be read, nobody says what is. */
function loadersMemory(kernel: RunningKernel): Range[] {
  const { efiMemmap, efiMemmapHi, efiMemmapSize, efiMemdescSize } = EfiInfo.decodeAt(
    kernel.state.bootParams,
    EFI_INFO_OFFSET,
  );
  const at = gpa((BigInt(efiMemmapHi) << 32n) | BigInt(efiMemmap));
  const map = earlyMemremap(kernel, at, efiMemmapSize);
  if (map === undefined || efiMemdescSize < EfiMemoryDescriptor.size) return [];
  const used = Array.from({ length: Math.floor(map.length / efiMemdescSize) }, (_, i) =>
    EfiMemoryDescriptor.decodeAt(map, i * efiMemdescSize),
  ).filter(({ type }) => type !== EFI_MEMORY_TYPE.EfiConventionalMemory);
  return [
    { start: (at / PAGE) * PAGE, end: at + BigInt(map.length) },
    ...used.map(({ physicalStart, numberOfPages }) => ({
      start: physicalStart,
      end: physicalStart + numberOfPages * PAGE,
    })),
  ];
}

function without(range: Range, out: Range): Range[] {
  const end = ((out.end + PAGE - 1n) / PAGE) * PAGE;
  if (end <= range.start || out.start >= range.end) return [range];
  return [
    { start: range.start, end: out.start },
    { start: end, end: range.end },
  ].filter((piece) => piece.start < piece.end);
}

/** A page of zeros in private memory (init_on_alloc=1), from the top down; undefined when there is none. */
export function allocatePage(kernel: RunningKernel): Gpa | undefined {
  const { pages } = kernel.state;
  if (pages.used >= pages.limit) return undefined;
  const page = pages.freed.pop() ?? takeFresh(pages);
  if (page === undefined) return undefined;
  pages.used++;
  kernel.memory.writePrivate(page, new Uint8Array(PAGE_SIZE));
  return page;
}

function takeFresh(pages: PageAllocator): Gpa | undefined {
  const range = pages.fresh.pop();
  if (range === undefined) return undefined;
  const page = range.end - PAGE;
  if (page > range.start) pages.fresh.push({ start: range.start, end: page });
  return gpa(page);
}

/** What is in the page stays there (init_on_free=0). */
export function freePage({ state: { pages } }: RunningKernel, page: Gpa): void {
  pages.freed.push(page);
  pages.used--;
}
