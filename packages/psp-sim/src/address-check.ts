import type { Spa } from '@sevlab/codec/address';
import { DRAM_REGIONS } from '@sevlab/machine/machine';
import { type PartName, withoutCBit } from '@sevlab/machine/part';

/** The highest byte that the firmware takes as an address: 64 TiB less 12 GiB (firmware behaviour (Genoa 1.55)). */
const HIGHEST_ADDRESS = 0x3ffc_ffff_ffffn;
/** The legacy video hole, where system management memory lies (APM volume 2, System-Management Mode). */
const ASEG = { start: 0xa_0000n, end: 0xc_0000n };

/**
 * Whether a range of `length` bytes, one or more, is one that the AMD-SP touches at all; if not, INVALID_ADDRESS. The
 * C-bit is not looked at.
 */
export function isUsable(part: PartName, address: Spa, length: number): boolean {
  const start = withoutCBit(part, address);
  const end = start + BigInt(length);
  return end - 1n <= HIGHEST_ADDRESS && !(start < ASEG.end && end > ASEG.start);
}

/** Whether a usable range lies wholly inside one region of DRAM; if not, INVALID_CONFIG. */
export function isDram(part: PartName, address: Spa, length: number): boolean {
  const start = withoutCBit(part, address);
  return DRAM_REGIONS.some((region) => start >= region.start && start + BigInt(length) <= region.end);
}
