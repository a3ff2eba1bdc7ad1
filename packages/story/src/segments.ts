import type { Segment } from '@sevlab/codec/trace';
import { BLOCK_SIZE } from './page-history.ts';

/** The address of the block of memory encryption that an address lies in. */
export const blockOf = (address: bigint): bigint => address - (address % BigInt(BLOCK_SIZE));

/** Whether a segment has a cell of the block. */
export const meets = ({ spa: from, length }: Segment, block: bigint): boolean =>
  BigInt(from) < block + BigInt(BLOCK_SIZE) && block < BigInt(from) + BigInt(length);

/** The address of byte `index` of an access. */
export function addressAt(segments: readonly Segment[], index: number): bigint | undefined {
  let left = index;
  for (const { spa: from, length } of segments) {
    if (left < length) return BigInt(from) + BigInt(left);
    left -= length;
  }
  return undefined;
}

/** Which byte of an access is at an address. */
export function indexAt(segments: readonly Segment[], address: bigint): number | undefined {
  let before = 0;
  for (const { spa: from, length } of segments) {
    if (BigInt(from) <= address && address < BigInt(from) + BigInt(length))
      return before + Number(address - BigInt(from));
    before += length;
  }
  return undefined;
}
