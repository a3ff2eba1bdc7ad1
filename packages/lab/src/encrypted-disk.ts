import { createCipheriv } from 'node:crypto';
import type { Entropy } from '@sevlab/ambient/entropy';
import { alignUp } from '@sevlab/codec/address';
import { concat, padTo } from '@sevlab/codec/bytes';
import { EncryptedFile } from '@sevlab/codec/encrypted-file';
import { SECTOR_SIZE } from '@sevlab/machine/devices/disk';

/** AES-256. Bytes. */
export const DISK_KEY_SIZE = 32;

/**
 * A disk image that holds files, each at the start of a sector, encrypted by their owner before they left the house:
 * AES-256-GCM, the container in codec's encrypted-file.ts. `key` has DISK_KEY_SIZE bytes.
 */
export const encryptDisk = (files: readonly Uint8Array[], key: Uint8Array, entropy: Entropy): Uint8Array =>
  concat(...files.map((plaintext) => encryptFile(plaintext, key, entropy.bytes(12))));

function encryptFile(plaintext: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const data = concat(cipher.update(plaintext), cipher.final());
  const header = EncryptedFile.encode({
    magic: 'sevlabENC',
    version: 1,
    iv,
    tag: cipher.getAuthTag(),
    length: data.length,
  });
  const file = concat(header, data);
  return padTo(file, alignUp(file.length, SECTOR_SIZE));
}
