import { spa } from '@sevlab/codec/address';
import { describe, expect, test } from 'vitest';
import { hostFinds, type Searched } from './host-search.ts';

const PAGE = 4096;
/** A host whose touched pages lie at these numbers of pages; every byte of `memory` is the next of them. */
function hostWith(memory: Uint8Array, numbers: readonly number[]): Searched {
  function* touchedPages() {
    for (const [i, number] of numbers.entries())
      yield { spa: spa(BigInt(number * PAGE)), cells: memory.slice(i * PAGE, (i + 1) * PAGE) };
  }
  return { memory: { touchedPages } };
}

/** No four bytes of it are the same as four others. */
const memory = new Uint8Array(
  Uint32Array.from({ length: PAGE }, (_, i) => Math.imul(i + 1, 0x9e37_79b1)).buffer,
);

describe('the host finds', () => {
  test.each([
    ['the first bytes', 0, 8],
    ['the last bytes of a page', PAGE - 8, 8],
    ['the first bytes of the next', PAGE, 8],
    ['bytes across two pages', PAGE - 4, 8],
    ['one byte on each side', PAGE - 1, 5],
    ['bytes from one page through a whole one into a third', PAGE - 4, PAGE + 8],
    ['two pages', PAGE, 2 * PAGE],
    ['the last bytes of all', 4 * PAGE - 8, 8],
  ])('%s', (_, at, length) => {
    const host = hostWith(memory, [3, 4, 5, 6]);
    expect(hostFinds(host, memory.slice(at, at + length))).toBe(BigInt(3 * PAGE + at));
  });

  test('the first of two places', () => {
    const twice = new Uint8Array(4 * PAGE);
    for (const at of [PAGE - 2, PAGE + 100]) twice.set([1, 2, 3, 4], at);
    expect(hostFinds(hostWith(twice, [0, 1, 2, 3]), Uint8Array.of(1, 2, 3, 4))).toBe(BigInt(PAGE - 2));
  });

  test.each([
    ['bytes of two pages that are no neighbours', [3, 5, 6, 7], PAGE - 4, 8],
    ['bytes through a gap', [3, 4, 6, 7], PAGE - 4, PAGE + 8],
  ])('not %s', (_, numbers, at, length) => {
    expect(hostFinds(hostWith(memory, numbers), memory.slice(at, at + length))).toBeUndefined();
  });

  test('nothing in no memory', () => {
    expect(hostFinds(hostWith(memory, []), Uint8Array.of(1))).toBeUndefined();
  });
});
