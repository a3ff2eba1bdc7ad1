import { concat, utf8 } from '@sevlab/codec/bytes';
import { littleEndian32 } from './integer.ts';
import { hmacSha256 } from './mac.ts';

/**
 * The key derivation of the SEV API: NIST SP 800-108 in counter mode over HMAC-SHA-256, with the 32-bit counter and
 * the 32-bit length (in bits) little endian. A library that follows the usual big-endian habit gives other keys.
 * `label` is ASCII, without a NUL of its own. Returns `length` bytes.
 */
export function kdf(key: Uint8Array, length: number, label: string, context: Uint8Array): Uint8Array {
  const separator = Uint8Array.of(0);
  const blocks: Uint8Array[] = [];
  for (let i = 1; blocks.length * 32 < length; i++) {
    blocks.push(
      hmacSha256(key, littleEndian32(i), utf8(label), separator, context, littleEndian32(8 * length)),
    );
  }
  return concat(...blocks).slice(0, length);
}
