import { type Spa, spa } from '@sevlab/codec/address';

/**
 * What differs between generations. C-bit: bit 47 up to Rome, 51 later; ASIDs: 15, 509, 1006; AES-256 memory keys
 * since Genoa (CPUID 8000_001F of real parts; firmware behaviour (Genoa 1.55)). `minSevAsid` is a setting of the
 * machine's BIOS: ASIDs below it are for SEV-ES guests. `memoryKeySize` is in bytes; `physicalBitsLost` are the address
 * bits that encryption takes from software (EBX 11:6 of that leaf).
 */
export const PARTS = {
  naples: { cBit: 47, maxAsid: 15, minSevAsid: 5, memoryKeySize: 16, physicalBitsLost: 5 },
  rome: { cBit: 47, maxAsid: 509, minSevAsid: 100, memoryKeySize: 16, physicalBitsLost: 5 },
  milan: { cBit: 51, maxAsid: 509, minSevAsid: 100, memoryKeySize: 16, physicalBitsLost: 5 },
  genoa: { cBit: 51, maxAsid: 1006, minSevAsid: 100, memoryKeySize: 32, physicalBitsLost: 6 },
} as const;

export type PartName = keyof typeof PARTS;
export type Part = (typeof PARTS)[PartName];

/** The place that an address with or without the C-bit names: the bit chooses a key, and is no part of the address. */
export const withoutCBit = (part: PartName, address: Spa): Spa =>
  spa(address & ~(1n << BigInt(PARTS[part].cBit)));
