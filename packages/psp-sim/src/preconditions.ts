import type { Spa } from '@sevlab/codec/address';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { isDram, isUsable } from './address-check.ts';
import type { FirmwareProfile } from './profile.ts';
import type { SecureProcessor } from './secure-processor.ts';

/**
 * One ordered check of a command: what must hold, whether it does, and the status if it does not. Where profiles
 * differ in the status, the last element gives it, and the third is that of firmware 1.55.
 */
export type Precondition<Context> = readonly [
  condition: string,
  holds: (context: Context) => boolean,
  status: SevStatus,
  statusByProfile?: (profile: FirmwareProfile) => SevStatus,
];

/** Told of each check in turn. */
export type Observe = (condition: string, held: boolean, status: SevStatus) => void;

/** The status of the first row that does not hold; rows behind it are not looked at. */
export function firstUnmet<Context extends { readonly sp: SecureProcessor }>(
  rows: readonly Precondition<Context>[],
  context: Context,
  observe: Observe,
): SevStatus {
  for (const [condition, holds, usual, byProfile] of rows) {
    const held = holds(context);
    const status = byProfile?.(context.sp.state.profile) ?? usual;
    observe(condition, held, status);
    if (!held) return status;
  }
  return 'SUCCESS';
}

/** The two checks of every range that a command reads or writes. */
export const reachable = <Context extends { readonly sp: SecureProcessor }>(
  field: string,
  range: (context: Context) => readonly [Spa, number],
): readonly Precondition<Context>[] => [
  [`${field} is a usable address`, (context) => isUsable(context.sp, ...range(context)), 'INVALID_ADDRESS'],
  [
    `${field} lies in DRAM`,
    (context) => isDram(context.sp.part, ...range(context)),
    'INVALID_CONFIG',
    ({ noDram }) => noDram,
  ],
];
