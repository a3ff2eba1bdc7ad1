/**
 * What differs between generations. C-bit: bit 47 up to Rome, 51 later; ASIDs: 15, 509, 1006; AES-256 memory keys
 * since Genoa (CPUID 8000_001F of real parts; firmware behaviour (Genoa 1.55)). `minSevAsid` is a setting of the
 * machine's BIOS: ASIDs below it are for SEV-ES guests.
 */
export const PARTS = {
  naples: { cBit: 47, maxAsid: 15, minSevAsid: 5, memoryKeySize: 16, physicalBitsLost: 5 },
  rome: { cBit: 47, maxAsid: 509, minSevAsid: 100, memoryKeySize: 16, physicalBitsLost: 5 },
  milan: { cBit: 51, maxAsid: 509, minSevAsid: 100, memoryKeySize: 16, physicalBitsLost: 5 },
  genoa: { cBit: 51, maxAsid: 1006, minSevAsid: 100, memoryKeySize: 32, physicalBitsLost: 6 },
} as const;

export type PartName = keyof typeof PARTS;
export type Part = (typeof PARTS)[PartName];
