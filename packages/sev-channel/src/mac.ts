import { createHmac, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA-256 over the parts, one after another. 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

/** Compares in a time that depends on the lengths only. Different lengths are not equal. */
export const macEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
