import { gpa } from '@sevlab/codec/address';
import type { RegionRequest } from '@sevlab/machine/guest-ram';

const SPLIT_FROM = 0xb000_0000n;
const LOW_MEMORY = 0x8000_0000n;
/** The end of the 32-bit hole, in bytes. */
export const FOUR_GIB = 0x1_0000_0000n;

/**
 * Where a guest's RAM of `size` bytes lies (QEMU, hw/i386/pc_q35.c, pc_q35_init): from 2.75 GiB on, 2 GiB of it are
 * below the 32-bit hole and the rest is above.
 */
export const ramRegions = (size: bigint): readonly RegionRequest[] =>
  size < SPLIT_FROM
    ? [{ gpa: gpa(0n), length: size }]
    : [
        { gpa: gpa(0n), length: LOW_MEMORY },
        { gpa: gpa(FOUR_GIB), length: size - LOW_MEMORY },
      ];
