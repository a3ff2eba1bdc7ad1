import assert from 'node:assert/strict';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { EFI_PAGE_SIZE } from '@sevlab/codec/efi/memory-map';
import type { GuestMemory } from '@sevlab/machine/machine';

/** Memory of one type that firmware gives out piece by piece and never takes back, as plain data. */
export interface Pool {
  /** First free byte. */
  next: bigint;
  /** Behind the last byte. */
  readonly end: bigint;
}

/** edk2 keeps a header before each piece (MdeModulePkg/Core/Dxe/Mem/Pool.c, POOL_HEAD). Bytes. */
const POOL_HEAD_SIZE = 0x18n;

/** AllocatePool: `size` bytes at a multiple of 8, or undefined when the pool is exhausted. */
export function allocatePool(pool: Pool, size: number): Gpa | undefined {
  return allocate(pool, roundUp(pool.next, 8n) + POOL_HEAD_SIZE, BigInt(size));
}

/** AllocatePages: whole pages, or undefined when the pool is exhausted. */
export function allocatePages(pool: Pool, pages: number): Gpa | undefined {
  return allocate(pool, roundUp(pool.next, BigInt(EFI_PAGE_SIZE)), BigInt(pages * EFI_PAGE_SIZE));
}

/** Writes `bytes` to the start of pages of their own, and says where. */
export function placeInPages(memory: GuestMemory, pool: Pool, bytes: Uint8Array): Gpa {
  const address = allocatePages(pool, Math.ceil(bytes.length / EFI_PAGE_SIZE));
  assert(address !== undefined, 'the bins are far larger than what firmware keeps in them');
  memory.writePrivate(address, bytes);
  return address;
}

function allocate(pool: Pool, start: bigint, size: bigint): Gpa | undefined {
  if (start + size > pool.end) return undefined;
  pool.next = start + size;
  return gpa(start);
}

const roundUp = (value: bigint, alignment: bigint): bigint =>
  ((value + alignment - 1n) / alignment) * alignment;
