import type { Gpa } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { SecretHeader } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID } from '@sevlab/codec/guid';
import { addPlatformDevice } from '../driver-core.ts';
import { ioremapEncrypted } from '../ioremap.ts';
import type { RunningKernel } from '../running-kernel.ts';

export const EFI_SECRET_DEVICE = 'efi_secret.0';

/**
 * The last step of efisubsys_init(): announces the secret area as a platform device. Real kernels do so whenever
 * the configuration table has the entry, and leave the header to the driver's probe.
 * VERSION: the `documented` kernel first looks for the header GUID, as coco.rst says that the EFI driver does.
 */
export function registerCocoSecret(kernel: RunningKernel): void {
  const { cocoSecret, profile } = kernel.state;
  if (cocoSecret === undefined) return;
  if (profile.announces === 'header' && !isPopulated(kernel, cocoSecret)) return;
  addPlatformDevice(kernel, EFI_SECRET_DEVICE);
}

function isPopulated(kernel: RunningKernel, cocoSecret: Gpa): boolean {
  const location = SecretLocation.decode(kernel.memory.readPrivate(cocoSecret, SecretLocation.size));
  if (location.size < BigInt(SecretHeader.size)) return false;
  const area = ioremapEncrypted(kernel, location.basePa, location.size);
  if (area === undefined) return false;
  const header = SecretHeader.decode(kernel.memory.readPrivate(area.base, SecretHeader.size));
  return header.guid === EFI_SECRET_TABLE_HEADER_GUID;
}
