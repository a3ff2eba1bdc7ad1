import { fillForm, type Places } from '@sevlab/codec/message-form';

/** What a person sees on the console of an AmdSev build that has nothing to start. */
export const NO_BOOT_OPTION = 'No bootable option was found.';

/** Why the emulated firmware stops, by what is wrong. */
export const STOP_REASONS = {
  'no SEV': 'the processor knows no SEV: expected bit 1 of CPUID 0x8000001f EAX, got {eax}',
  'SEV not active': 'SEV is not active in this guest: expected bit 0 of the MSR SEV_STATUS, got {value}',
  'no image': 'no firmware image ends at 4 GiB: {why}',
  'no manifest': 'the firmware image has no manifest: expected an entry {guid} of {size} bytes, got {found}',
  'manifest elsewhere':
    'the firmware image is damaged: its manifest is said to lie {distance} bytes before the end; expected {least} to {most}',
  'bad manifest': 'the firmware image is damaged: {why}',
  'other bytes':
    'the firmware image is damaged: expected {size} bytes with the SHA-256 {expected}, got {found}',
  'no boot option': `${NO_BOOT_OPTION} ({why})`,
  hangs: 'the firmware hangs without a word: {name}: {why}',
  'no passphrase': 'GRUB asks for the passphrase of the disk: the secret area has none that ends in NUL',
  'little memory':
    'not enough memory: the kernel needs {first} to {last}, and its initrd of {initrd} bytes must lie behind that and below {end}',
  'long command line': 'the command line has {length} bytes; expected at most {most}',
} as const;

export type StopReason = keyof typeof STOP_REASONS;

/** The firmware cannot go on. `reason` says in words what it expected and what it found. */
export interface Stopped {
  readonly kind: 'stopped';
  readonly reason: string;
}

export const stopped = <Reason extends StopReason>(
  reason: Reason,
  places: Places<(typeof STOP_REASONS)[Reason]>,
): Stopped => ({ kind: 'stopped', reason: fillForm<string>(STOP_REASONS[reason], places) });
