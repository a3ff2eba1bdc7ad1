import { at, bytes, reserved, struct, u8, u16le, u32le, type ValueOf } from '../layout.ts';

/** PUBKEY_USAGE and SIG_USAGE (55766, SEV Certificate). NONE marks an empty signature slot. */
export const KEY_USAGE = {
  ARK: 0x0000,
  ASK: 0x0013,
  NONE: 0x1000,
  OCA: 0x1001,
  PEK: 0x1002,
  PDH: 0x1003,
  CEK: 0x1004,
} as const;

/** PUBKEY_ALGO and SIG_ALGO. */
export const KEY_ALGO = {
  NONE: 0x000,
  RSA_SHA256: 0x001,
  ECDSA_SHA256: 0x002,
  ECDH_SHA256: 0x003,
  RSA_SHA384: 0x101,
  ECDSA_SHA384: 0x102,
  ECDH_SHA384: 0x103,
} as const;

/** CURVE: the only one that certificates may use. */
export const CURVE_P384 = 2;

/** A certificate of the SEV chain: PDH, PEK, OCA or CEK. 0x824 bytes. */
export const SevCertificate = struct('SEV certificate', '55766, SEV Certificate', {
  version: at(0x000, u32le, 'Always 1.'),
  apiMajor: at(0x004, u8, 'API_MAJOR of the firmware that made it.'),
  apiMinor: at(0x005, u8, 'API_MINOR of the firmware that made it.'),
  reserved006: at(0x006, u16le, 'Reserved, but signed.'),
  pubkeyUsage: at(0x008, u32le, 'What the key is for.'),
  pubkeyAlgo: at(0x00c, u32le, 'Which algorithm the key is for.'),
  pubkey: at(0x010, bytes(0x404), 'The key: EcPublicKey, or an RSA key.'),
  sig1Usage: at(0x414, u32le, 'Usage of the key that signed; 0x1000 for an empty slot.'),
  sig1Algo: at(0x418, u32le, 'Algorithm of the signature; 0 for an empty slot.'),
  sig1: at(0x41c, bytes(0x200), 'Signature over bytes 0x000 to 0x413.'),
  sig2Usage: at(0x61c, u32le, 'As the first slot.'),
  sig2Algo: at(0x620, u32le, 'As the first slot.'),
  sig2: at(0x624, bytes(0x200), 'As the first slot.'),
});
export type SevCertificate = ValueOf<typeof SevCertificate>;

/** Signatures cover the certificate up to here, in bytes. */
export const SEV_CERTIFICATE_BODY_SIZE = 0x414;

/** PEK, OCA and CEK, in the order in which PDH_CERT_EXPORT writes them, in bytes. */
export const CERT_CHAIN_SIZE: number = 3 * SevCertificate.size;

/** The PUBKEY field of a certificate with an elliptic-curve key. Coordinates are little endian. */
export const EcPublicKey = struct('SEV certificate EC public key', '55766, SEV Certificate', {
  curve: at(0x000, u32le, 'CURVE: 2 for P-384.'),
  qx: at(0x004, bytes(72), 'X coordinate, little endian, zero padded.'),
  qy: at(0x04c, bytes(72), 'Y coordinate, little endian, zero padded.'),
  reserved94: at(0x094, reserved(0x404 - 0x94), ''),
});

/** The SIG field of an ECDSA signature. */
export const EcdsaSignature = struct('SEV certificate ECDSA signature', '55766, SEV Certificate', {
  r: at(0x00, bytes(72), 'r, little endian, zero padded.'),
  s: at(0x48, bytes(72), 's, little endian, zero padded.'),
  reserved90: at(0x90, reserved(0x200 - 0x90), ''),
});

/** The fixed head of an AMD certificate (ARK, ASK); exponent, modulus and signature follow, little endian. */
export const AmdCertificateHead = struct('AMD certificate head', '55766, AMD Signing Key certificate', {
  version: at(0x00, u32le, 'Always 1.'),
  keyId: at(0x04, bytes(16), 'KEY_ID of this key.'),
  certifyingId: at(0x14, bytes(16), 'KEY_ID of the key that signed; its own for the root.'),
  keyUsage: at(0x24, u32le, '0 for ARK, 0x13 for ASK.'),
  reserved28: at(0x28, reserved(16), ''),
  pubexpSize: at(0x38, u32le, 'Size of the public exponent, in bits.'),
  modulusSize: at(0x3c, u32le, 'Size of the modulus, in bits.'),
});
export type AmdCertificateHead = ValueOf<typeof AmdCertificateHead>;

/** An AMD certificate, taken apart. All numbers are little endian, as they lie in the file. */
export interface AmdCertificate {
  readonly head: AmdCertificateHead;
  readonly pubexp: Uint8Array;
  readonly modulus: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature covers. */
  readonly signed: Uint8Array;
}

/** Throws LengthError or RangeError for bytes that are no certificate of 2048 or 4096 bits. */
export function decodeAmdCertificate(file: Uint8Array): AmdCertificate {
  const head = AmdCertificateHead.decodeAt(file, 0);
  const exponent = head.pubexpSize / 8;
  const modulus = head.modulusSize / 8;
  const end = AmdCertificateHead.size + exponent + 2 * modulus;
  if (![256, 512].includes(modulus) || exponent !== modulus || file.length !== end) {
    throw new RangeError(
      `AMD certificate: expected 2048 or 4096 bits and a file of that size, got ${head.modulusSize} bits in ${file.length} bytes`,
    );
  }
  const keyAt = AmdCertificateHead.size;
  const part = (from: number, to: number): Uint8Array => new Uint8Array(file.subarray(from, to));
  return {
    head,
    pubexp: part(keyAt, keyAt + exponent),
    modulus: part(keyAt + exponent, keyAt + exponent + modulus),
    signature: part(keyAt + exponent + modulus, end),
    signed: part(0, keyAt + exponent + modulus),
  };
}
