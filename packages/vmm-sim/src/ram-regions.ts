import { gpa } from '@sevlab/codec/address';
import type { RegionRequest } from '@sevlab/machine/guest-ram';

/** From which size on RAM is split, and what of it is then below the hole, by machine. */
const SPLITS = {
  q35: { from: 0xb000_0000n, below: 0x8000_0000n },
  pc: { from: 0xe000_0000n, below: 0xc000_0000n },
} as const;
/** The end of the 32-bit hole, in bytes. */
export const FOUR_GIB = 0x1_0000_0000n;

/**
 * Where a guest's RAM of `size` bytes lies (QEMU, hw/i386/pc_q35.c: pc_q35_init; hw/i386/pc_piix.c: pc_init1): of much
 * RAM, from 2.75 GiB on with a q35, a part is below the 32-bit hole and the rest is above.
 */
export function ramRegions(size: bigint, machine: keyof typeof SPLITS = 'q35'): readonly RegionRequest[] {
  const { from, below } = SPLITS[machine];
  if (size < from) return [{ gpa: gpa(0n), length: size }];
  return [
    { gpa: gpa(0n), length: below },
    { gpa: gpa(FOUR_GIB), length: size - below },
  ];
}
