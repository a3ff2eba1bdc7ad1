import { type Gpa, gpa } from '@sevlab/codec/address';
import type { RunningKernel } from '../running-kernel.ts';
import { allocatePage, freePage, PAGE_SIZE } from './page-allocator.ts';

/** Bytes in pages of private guest memory, by the page's number in the file. What has no page reads as zeros. */
export type Pages = Map<number, Gpa>;

/** `length` bytes from `position` on. */
export function readPages(
  { memory }: RunningKernel,
  pages: Pages,
  position: number,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const { index, start, at, count } of pieces(position, length)) {
    const page = pages.get(index);
    if (page !== undefined) bytes.set(memory.readPrivate(gpa(page + BigInt(start)), count), at);
  }
  return bytes;
}

/** Answers how many bytes found room. */
export function writePages(kernel: RunningKernel, pages: Pages, position: number, data: Uint8Array): number {
  for (const { index, start, at, count } of pieces(position, data.length)) {
    const page = pages.get(index) ?? allocatePage(kernel);
    if (page === undefined) return at;
    pages.set(index, page);
    kernel.memory.writePrivate(gpa(page + BigInt(start)), data.subarray(at, at + count));
  }
  return data.length;
}

/** Frees whole pages from `start` to `end`, and zeroes the rest of the range. */
export function punchPages(kernel: RunningKernel, pages: Pages, start: number, end: number): void {
  for (const [index, page] of pages) {
    const first = index * PAGE_SIZE;
    const from = Math.max(start, first);
    const to = Math.min(end, first + PAGE_SIZE);
    if (from >= to) continue;
    if (to - from === PAGE_SIZE) {
      pages.delete(index);
      freePage(kernel, page);
    } else {
      kernel.memory.writePrivate(gpa(page + BigInt(from - first)), new Uint8Array(to - from));
    }
  }
}

/**
 * The first byte from `position` on that is in one of the pages `written` (`data`) or in none of them, below `size`;
 * undefined when there is none.
 */
export function findPages(
  written: ReadonlySet<number>,
  position: number,
  size: number,
  data: boolean,
): number | undefined {
  let at = position;
  if (data) {
    const following = [...written].filter((index) => (index + 1) * PAGE_SIZE > position);
    if (following.length === 0) return undefined;
    at = Math.max(position, Math.min(...following) * PAGE_SIZE);
  } else {
    while (written.has(Math.floor(at / PAGE_SIZE))) at = (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE;
  }
  return at < size ? at : undefined;
}

/** A range cut at page borders: page number, offset in it, offset in the range, and bytes. */
function* pieces(
  position: number,
  length: number,
): Generator<{ index: number; start: number; at: number; count: number }> {
  for (let at = 0; at < length; ) {
    const start = (position + at) % PAGE_SIZE;
    const count = Math.min(PAGE_SIZE - start, length - at);
    yield { index: Math.floor((position + at) / PAGE_SIZE), start, at, count };
    at += count;
  }
}
