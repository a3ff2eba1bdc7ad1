import { constants, createHash, createPublicKey, type KeyObject, privateEncrypt, verify } from 'node:crypto';
import { concat } from '@sevlab/codec/bytes';
import { toBigEndian } from './integer.ts';

/** RSASSA-PSS (RFC 8017, 8.1) as SEV certificates use it: MGF1 with the same hash, a salt as long as the hash. */

export type PssHash = 'sha256' | 'sha384';

/** Little endian, as certificates hold them. */
export interface RsaKey {
  readonly exponent: Uint8Array;
  readonly modulus: Uint8Array;
}

/** `signature` is little endian and as long as the modulus. */
export function verifyPss(key: RsaKey, hash: PssHash, message: Uint8Array, signature: Uint8Array): boolean {
  const base64url = (littleEndian: Uint8Array): string =>
    Buffer.from(littleEndian.toReversed()).toString('base64url');
  const publicKey = createPublicKey({
    key: { kty: 'RSA', n: base64url(key.modulus), e: base64url(key.exponent) },
    format: 'jwk',
  });
  return verify(
    hash,
    message,
    {
      key: publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    },
    signature.toReversed(),
  );
}

/**
 * A deterministic signature, little endian: the caller brings the salt, which must be as long as the hash.
 * The hash is SHA-384 for a modulus of 4096 bits, else SHA-256. Throws TypeError for a key that is not RSA.
 */
export function signPss(privateKey: KeyObject, message: Uint8Array, salt: Uint8Array): Uint8Array {
  const modulusBits = privateKey.asymmetricKeyDetails?.modulusLength;
  if (modulusBits === undefined) {
    throw new TypeError(`expected an RSA private key, got ${privateKey.asymmetricKeyType ?? 'a secret key'}`);
  }
  const encoded = encodePss(pssHash(modulusBits), modulusBits, message, salt);
  const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoded);
  return new Uint8Array(signature).toReversed();
}

/** Which hash goes with a modulus of so many bits: 2048 on Naples, 4096 since Rome. */
export const pssHash = (modulusBits: number): PssHash => (modulusBits === 4096 ? 'sha384' : 'sha256');

/** EMSA-PSS-ENCODE (RFC 8017, 9.1.1), for a modulus of whole bytes. */
function encodePss(hash: PssHash, modulusBits: number, message: Uint8Array, salt: Uint8Array): Uint8Array {
  const digest = (...parts: Uint8Array[]): Uint8Array =>
    createHash(hash)
      .update(concat(...parts))
      .digest();
  const h = digest(new Uint8Array(8), digest(message), salt);
  const db = new Uint8Array(modulusBits / 8 - h.length - 1);
  db.set(salt, db.length - salt.length);
  db[db.length - salt.length - 1] = 1;

  const mask: Uint8Array[] = [];
  for (let counter = 0; counter * h.length < db.length; counter++) {
    mask.push(digest(h, toBigEndian(BigInt(counter), 4)));
  }
  const masked = concat(...mask).slice(0, db.length);
  db.forEach((byte, i) => {
    masked[i]! ^= byte;
  });
  masked[0]! &= 0x7f; // the encoded message is one bit shorter than the modulus
  return concat(masked, h, Uint8Array.of(0xbc));
}
