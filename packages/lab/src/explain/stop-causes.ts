import type { StopReason } from '@sevlab/firmware-sim/stopped';
import type { Cause } from './explanation.ts';

const CHANGED =
  'the host changed the image after it was encrypted, gave the guest another one, or its memory lies elsewhere';

/** Why the emulated firmware stops. */
export const STOP_CAUSES: Readonly<Record<StopReason, Cause>> = {
  'no SEV': {
    source: 'OvmfPkg/Library/BaseMemEncryptSevLib',
    means: 'the guest runs on a processor without SEV',
  },
  'SEV not active': {
    source: 'OvmfPkg/Library/BaseMemEncryptSevLib',
    means: 'the guest was started without SEV',
  },
  'no image': {
    source: 'packages/firmware-sim/src/sec/own-image.ts',
    means: 'the guest, with its key, finds no firmware below 4 GiB',
    look: CHANGED,
  },
  'no manifest': {
    source: 'packages/firmware-sim/src/sec/own-image.ts',
    means: 'the image is not one that sevlab built',
    look: '--as LAYOUT makes it behave as that release of edk2',
  },
  'manifest elsewhere': {
    source: 'packages/firmware-sim/src/sec/own-image.ts',
    means: 'the image is not as it was built',
    look: CHANGED,
  },
  'bad manifest': {
    source: 'packages/firmware-sim/src/sec/own-image.ts',
    means: 'the image is not as it was built',
    look: CHANGED,
  },
  'other bytes': {
    source: 'packages/firmware-sim/src/sec/own-image.ts',
    means: 'the image is not as it was built',
    look: CHANGED,
  },
  'no boot option': {
    source: 'OvmfPkg/AmdSev: BlobVerifierLibSevHashes, PlatformBootManagerLibGrub',
    means:
      'nothing can be started: a kernel, initrd or command line is not what the measured table of hashes says, or grub.efi is empty',
    look: 'give QEMU the very files that were measured, with kernel-hashes=on; the hash of a command line covers its final NUL',
  },
  hangs: {
    source: 'OvmfPkg/AmdSev/BlobVerifierLibSevHashes: VerifyBlob',
    means: 'since 202408 firmware stops for good where the hash of a file is another one',
    look: 'give QEMU the very files that were measured',
  },
  'no passphrase': {
    source: 'OvmfPkg/AmdSev/Grub',
    means: 'GRUB found no passphrase in the secret area',
    look: 'the secret under 736869e5-84f0-4973-92ec-06879ce3da0b must end in NUL',
  },
  'little memory': {
    source: 'OvmfPkg/Library/X86QemuLoadImageLib',
    means: 'kernel and initrd do not fit',
    look: 'look at -m',
  },
  'long command line': {
    source: 'packages/firmware-sim/src/boot.ts',
    means: 'the command line does not fit into its page',
  },
};
