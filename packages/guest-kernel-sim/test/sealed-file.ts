import { createCipheriv } from 'node:crypto';
import { concat, padTo } from '@sevlab/codec/bytes';
import { ENCRYPTED_FILE_MAGIC, ENCRYPTED_FILE_VERSION, EncryptedFile } from '@sevlab/codec/encrypted-file';

/** What a guest owner puts on a disk: files behind one another, each in whole sectors. `key` has 32 bytes. */
export const sealFiles = (key: Uint8Array, ...files: readonly Uint8Array[]): Uint8Array =>
  concat(...files.map((plaintext, number) => seal(key, plaintext, number)));

function seal(key: Uint8Array, plaintext: Uint8Array, number: number): Uint8Array {
  const iv = new Uint8Array(12).fill(7 + number);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const ciphertext = concat(cipher.update(plaintext), cipher.final());
  const header = EncryptedFile.encode({
    magic: ENCRYPTED_FILE_MAGIC,
    version: ENCRYPTED_FILE_VERSION,
    iv,
    tag: cipher.getAuthTag(),
    length: ciphertext.length,
  });
  const file = concat(header, ciphertext);
  return padTo(file, Math.ceil(file.length / 512) * 512);
}
