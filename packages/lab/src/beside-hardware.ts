import { existsSync } from 'node:fs';

/** The device of a host that has the real thing. */
export const SEV_DEVICE = '/dev/sev';

/**
 * Why sevlab does not run here, or undefined. Beside real hardware somebody could take its answers for those of the
 * AMD Secure Processor.
 */
export function hardwareConcern(told: boolean, device: string = SEV_DEVICE): string | undefined {
  if (told || !existsSync(device)) return undefined;
  return `this machine has a real ${device}; expected none beside an emulator; try --beside-hardware`;
}
