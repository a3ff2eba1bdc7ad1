import { guestAddress } from '../address.ts';
import { at, struct, u64le, type ValueOf } from '../layout.ts';

/** What the configuration table entry adf956ad-… points to: where the secret area lies. 16 bytes. */
export const SecretLocation = struct(
  'CONFIDENTIAL_COMPUTING_SECRET_LOCATION',
  'edk2 OvmfPkg/Include/Guid/ConfidentialComputingSecret.h; include/linux/efi.h: linux_efi_coco_secret_area',
  {
    basePa: at(0x00, guestAddress, 'Guest-physical address of the area.'),
    size: at(0x08, u64le, 'Length of the area, in bytes: as announced, not rounded to pages.'),
  },
);
export type SecretLocation = ValueOf<typeof SecretLocation>;
