import { ascii, at, bytes, reserved, struct, u8, u32le, type ValueOf } from '../layout.ts';

/** What an image built by sevlab says of itself, found through the SEVLAB_MANIFEST_GUID entry. 64 bytes. */
export const ImageManifest = struct('sevlab image manifest', 'sevlab: docs/adr/0004-the-image-decides.md', {
  magic: at(0x00, ascii(8), '"sevlabFW".'),
  version: at(0x08, u32le, 'Always 1.'),
  imageSize: at(0x0c, u32le, 'Length of the whole image, in bytes.'),
  layout: at(0x10, ascii(8), 'edk2 layout, such as "202405", with NULs behind it.'),
  reservesArea: at(0x18, u8, '1: SecretPei reserves the secret area; 0: a firmware that forgets to.'),
  publishesArea: at(0x19, u8, '1: SecretDxe installs the configuration table entry.'),
  verifier: at(0x1a, u8, 'Blob verifier: 0 none, 1 of edk2 202108 to 202405, 2 from 202408 on.'),
  grub: at(
    0x1b,
    u8,
    'What starts where the host offers no kernel: 0 the kernel, 1 nothing, 2 GRUB with efisecret.',
  ),
  reserved1c: at(0x1c, reserved(4), ''),
  bodySha256: at(0x20, bytes(32), 'SHA-256 of the image with this field zero.'),
});
export type ImageManifest = ValueOf<typeof ImageManifest>;

/** What `magic` must be. */
export const IMAGE_MANIFEST_MAGIC = 'sevlabFW';
/** Offset of `bodySha256` in the manifest, in bytes. */
export const BODY_SHA256_OFFSET = 0x20;
