import type { Spa } from '@sevlab/codec/address';
import { DRAM_REGIONS } from '@sevlab/machine/machine';
import { type PartName, withoutCBit } from '@sevlab/machine/part';
import type { SecureProcessor } from './secure-processor.ts';

/** The highest byte that the firmware takes as an address: 64 TiB less 12 GiB (firmware behaviour (Genoa 1.55)). */
const HIGHEST_ADDRESS = 0x3ffc_ffff_ffffn;

/** Bytes of the trusted memory region that INIT is given for SEV-ES; it is aligned to as many. */
export const TMR_SIZE = 0x10_0000;

/** First byte and end. */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** The legacy video hole, where system management memory lies (APM volume 2, System-Management Mode). */
const ASEG: Range = { start: 0xa_0000n, end: 0xc_0000n };

/** A range of `length` bytes, without the C-bit, which is no part of an address. */
function rangeOf(part: PartName, address: Spa, length: number): Range {
  const start = withoutCBit(part, address);
  return { start, end: start + BigInt(length) };
}

const overlap = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

/** Whether two ranges have a byte in common. Lengths in bytes. */
export const rangesOverlap = (
  part: PartName,
  a: readonly [Spa, number],
  b: readonly [Spa, number],
): boolean => overlap(rangeOf(part, ...a), rangeOf(part, ...b));

/**
 * Whether a range of `length` bytes, one or more, is one that the AMD-SP touches at all; if not, INVALID_ADDRESS. The
 * trusted memory region is none from INIT on, though it is in use from the first DF_FLUSH on only.
 */
export function isUsable(
  { part, state }: Pick<SecureProcessor, 'part' | 'state'>,
  address: Spa,
  length: number,
): boolean {
  const range = rangeOf(part, address, length);
  const forbidden = [ASEG, ...(state.tmr ? [rangeOf(part, state.tmr.paddr, TMR_SIZE)] : [])];
  return range.end - 1n <= HIGHEST_ADDRESS && !forbidden.some((other) => overlap(range, other));
}

/** Whether a usable range lies wholly inside one region of DRAM; if not, INVALID_CONFIG. */
export function isDram(part: PartName, address: Spa, length: number): boolean {
  const { start, end } = rangeOf(part, address, length);
  return DRAM_REGIONS.some((region) => start >= region.start && end <= region.end);
}
