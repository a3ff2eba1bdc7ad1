import { type Gpa, gpa } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { DISK_PASSPHRASE_GUID } from '@sevlab/codec/guid';
import type { GuestMemory } from '@sevlab/machine/machine';
import { type Stopped, stopped } from './stopped.ts';

/**
 * What an image starts when the host offers no kernel. `kernel`: the guest's kernel; NOT MODELLED: how GRUB finds it.
 * `empty`: a grub.efi of no bytes, as Debian's AmdSev build has. `efisecret`: GRUB with the module of that name, which
 * no release of GRUB has: it opens the disk, then the kernel starts.
 */
export const GRUBS = ['kernel', 'empty', 'efisecret'] as const;
export type Grub = (typeof GRUBS)[number];

/** What keeps GRUB from starting a kernel, if anything does. `location` is where the secret area is located. */
export function runGrub(grub: Grub, memory: GuestMemory, location: Gpa | undefined): Stopped | undefined {
  if (grub === 'empty') return stopped('no boot option', { why: 'grub.efi is empty' });
  if (grub === 'kernel' || (location !== undefined && takePassphrase(memory, location))) return undefined;
  return stopped('no passphrase', {});
}

/**
 * Whether there is a passphrase. It must end in NUL. Its whole entry, length included, is zero afterwards (the patches
 * "efi: Add API for retrieving the EFI secret for cryptodisk", version 2 and later), which Linux takes for corruption.
 */
function takePassphrase(memory: GuestMemory, location: Gpa): boolean {
  const { basePa, size } = SecretLocation.decode(memory.readPrivate(location, SecretLocation.size));
  const { entries } = readSecretTable(memory.readPrivate(basePa, Number(size)));
  const entry = entries.find(({ guid }) => guid === DISK_PASSPHRASE_GUID);
  if (entry?.data.at(-1) !== 0) return false;
  memory.writePrivate(gpa(basePa + BigInt(entry.offset)), new Uint8Array(entry.len));
  return true;
}
