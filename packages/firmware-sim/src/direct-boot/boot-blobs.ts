import type { Observer } from '@sevlab/ambient/observer';
import type { GuestContext } from '@sevlab/machine/machine';
import { type Stopped, stopped } from '../stopped.ts';
import { type BlobName, hashesEntries, type Verifier, verifyBlob } from './blob-verifier.ts';

/** What the host offered, and the firmware took. */
export interface BootBlobs {
  readonly kind: 'blobs';
  readonly kernel: Uint8Array;
  /** Empty without one. */
  readonly initrd: Uint8Array;
  /** Ends in NUL. */
  readonly commandLine: Uint8Array;
}

/** Items of fw_cfg, in the order of its directory, which is the order in which edk2 verifies them. */
export const BOOT_ITEMS = {
  cmdline: 'etc/boot/cmdline',
  initrd: 'etc/boot/initrd',
  kernel: 'etc/boot/kernel',
} as const satisfies Record<BlobName, string>;

/**
 * The kernel that the host offers, with its initrd and command line, each verified; undefined when it offers none (edk2
 * OvmfPkg/QemuKernelLoaderFsDxe). `readHashesArea` gives what the guest reads where the image wants the table of hashes.
 */
export function takeBootBlobs(
  { fwCfg }: Pick<GuestContext, 'fwCfg'>,
  observer: Observer,
  verifier: Verifier,
  readHashesArea: () => Uint8Array,
): BootBlobs | Stopped | undefined {
  if (!fwCfg.names.includes(BOOT_ITEMS.kernel)) return undefined;
  const entries = hashesEntries(readHashesArea());
  const taken: Partial<Record<BlobName, Uint8Array>> = {};
  // the keys of a constant are its type
  for (const [name, item] of Object.entries(BOOT_ITEMS) as [BlobName, string][]) {
    const blob = fwCfg.read(item) ?? new Uint8Array(); // what the host does not offer is verified as empty
    const { outcome, reason } = verifyBlob(verifier, entries, name, blob);
    observer.observe('firmware', 'firmware', () => ({
      type: 'boot-blob',
      name,
      outcome: outcome === 'hang' ? 'refused' : outcome,
      reason,
    }));
    if (outcome === 'hang') return stopped('hangs', { name, why: reason });
    if (outcome === 'refused') return stopped('no boot option', { why: `${name}: ${reason}` });
    taken[name] = blob;
  }
  const { kernel = new Uint8Array(), initrd = new Uint8Array(), cmdline = new Uint8Array() } = taken;
  const commandLine = cmdline.length > 0 ? cmdline : Uint8Array.of(0);
  if (commandLine.at(-1) !== 0)
    return stopped('no boot option', { why: 'cmdline: it does not end in NUL: EFI_PROTOCOL_ERROR' });
  return { kind: 'blobs', kernel, initrd, commandLine };
}
