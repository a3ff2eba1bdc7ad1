import { ascii, at, bytes, reserved, struct, u32le, type ValueOf } from './layout.ts';

/** In front of a file that the guest owner encrypted and an untrusted disk holds; the ciphertext follows. 48 bytes. */
export const EncryptedFile = struct('sevlab encrypted file', 'sevlab: the application of coco.rst', {
  magic: at(0x00, ascii(9), '"sevlabENC".'),
  reserved09: at(0x09, reserved(3), ''),
  version: at(0x0c, u32le, 'Always 1: AES-256-GCM without additional data.'),
  iv: at(0x10, bytes(12), 'Nonce, never used twice with one key.'),
  tag: at(0x1c, bytes(16), 'Authentication tag of the ciphertext.'),
  length: at(0x2c, u32le, 'Length of the ciphertext, in bytes; the plaintext has the same.'),
});
export type EncryptedFile = ValueOf<typeof EncryptedFile>;

/** What `magic` and `version` must be. */
export const ENCRYPTED_FILE_MAGIC = 'sevlabENC';
export const ENCRYPTED_FILE_VERSION = 1;
