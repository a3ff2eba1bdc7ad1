import type { Repair } from './cascade.ts';
import { HOLE } from './platform.ts';

/** The repairs for the two rows of `reachable`, when the address is UNUSABLE at first: a hole, then the right one. */
export const addressRows = <T extends object, K extends keyof T>(
  field: string,
  cmd: T,
  key: K,
  good: T[K],
): readonly Repair[] => [
  [`${field} is a usable address`, () => Object.assign(cmd, { [key]: HOLE })],
  [`${field} lies in DRAM`, () => Object.assign(cmd, { [key]: good })],
];
