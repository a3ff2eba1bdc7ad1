import type { Gpa } from '@sevlab/codec/address';
import type { RunningKernel } from '../running-kernel.ts';

/** At most 64 pages are mapped (mm/early_ioremap.c, NR_FIX_BTMAPS). */
const EARLY_MAP_PAGES = 64n;
const PAGE = 4096n;

/**
 * early_memremap(): what lies there; undefined for more than it can map, and for what goes round the end of addresses
 * (mm/early_ioremap.c). NOT MODELLED: the warnings about that.
 */
export function earlyMemremap(kernel: RunningKernel, address: Gpa, length: number): Uint8Array | undefined {
  const inPages = (address % PAGE) + BigInt(length);
  if (address + BigInt(length) > 1n << 64n || inPages > EARLY_MAP_PAGES * PAGE) return undefined;
  return kernel.memory.readPrivate(address, length);
}
