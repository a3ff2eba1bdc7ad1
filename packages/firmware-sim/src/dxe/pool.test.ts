import { gpa } from '@sevlab/codec/address';
import { expect, test } from 'vitest';
import { inGuest, launchGuest } from '../../test/guest.ts';
import { buildImage } from '../image.ts';
import { allocatePages, allocatePool, type Pool, placeInPages } from './pool.ts';

test('pieces lie behind a header of 0x18 bytes, at multiples of 8', () => {
  const pool: Pool = { next: 0x1000n, end: 0x2000n };
  expect(allocatePool(pool, 5)).toBe(0x1018n);
  expect(allocatePool(pool, 16)).toBe(0x1038n);
});

test('an exhausted pool gives nothing, and stays as it is', () => {
  const pool: Pool = { next: 0x1000n, end: 0x1028n };
  expect(allocatePool(pool, 17)).toBeUndefined();
  expect(allocatePool(pool, 16)).toBe(0x1018n);
  expect(allocatePool(pool, 0)).toBeUndefined();
});

test('pages are aligned, and are whole pages', () => {
  const pool: Pool = { next: 0x1001n, end: 0x4000n };
  expect(allocatePages(pool, 1)).toBe(0x2000n);
  expect(allocatePages(pool, 2)).toBeUndefined();
  expect(allocatePages(pool, 1)).toBe(0x3000n);
});

test('bytes in pages of their own', () => {
  const guest = launchGuest(buildImage({ layout: '202405', size: 4096 }));
  inGuest(guest, ({ memory }) => {
    const pool: Pool = { next: 0x1001n, end: 0x4000n };
    expect(placeInPages(memory, pool, Uint8Array.of(1, 2, 3))).toBe(0x2000n);
    expect([...memory.readPrivate(gpa(0x2000n), 3)]).toEqual([1, 2, 3]);
    expect(() => placeInPages(memory, pool, new Uint8Array(4097))).toThrow('the bins are far larger');
    expect(placeInPages(memory, pool, Uint8Array.of(4))).toBe(0x3000n);
  });
});
