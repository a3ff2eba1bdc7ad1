import { createCipheriv } from 'node:crypto';

/**
 * AES-128 in counter mode; encrypts and decrypts. All 16 bytes of `iv` are one big-endian counter that wraps
 * (NIST SP 800-38A). Throws RangeError for a key that is not 16 bytes, TypeError for an `iv` that is not.
 */
export function aes128Ctr(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createCipheriv('aes-128-ctr', key, iv).update(data));
}
