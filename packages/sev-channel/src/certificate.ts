import type { Entropy } from '@sevlab/ambient/entropy';
import { padTo } from '@sevlab/codec/bytes';
import { at, bytes, struct, u32le } from '@sevlab/codec/layout';
import {
  CURVE_P384,
  EcdsaSignature,
  EcPublicKey,
  KEY_ALGO,
  KEY_USAGE,
  SEV_CERTIFICATE_BODY_SIZE,
  SevCertificate,
} from '@sevlab/codec/sev/certificate';
import { isOnCurve, type Point, signEcdsa, verifyEcdsa } from './p384.ts';
import { type RsaKey, verifyPss } from './rsa-pss.ts';

/** A certificate has two places for signatures. */
export type Slot = 1 | 2;

/** What one of them holds. */
export interface SignatureSlot {
  readonly usage: number;
  readonly algo: number;
  /** The SIG field, 0x200 bytes. */
  readonly signature: Uint8Array;
}

const VERSION = 1;
const COORDINATE = 48;
const COORDINATE_FIELD = 72;
const SIGNATURE_FIELD = 0x200;
const MAX_MODULUS_BITS = 4096;

const RsaPublicKey = struct('SEV certificate RSA public key', '55766, SEV Certificate', {
  modulusSize: at(0x000, u32le, 'Size of the modulus, in bits.'),
  pubexp: at(0x004, bytes(512), 'Public exponent, little endian, zero padded.'),
  modulus: at(0x204, bytes(512), 'Modulus, little endian, zero padded.'),
});

/** A slot that nobody signed in. */
export const EMPTY_SLOT: SignatureSlot = {
  usage: KEY_USAGE.NONE,
  algo: KEY_ALGO.NONE,
  signature: new Uint8Array(SIGNATURE_FIELD),
};

/** The PUBKEY field, 0x404 bytes. */
export function encodePoint({ x, y }: Point): Uint8Array {
  return EcPublicKey.encode({
    curve: CURVE_P384,
    qx: padTo(x.toReversed(), COORDINATE_FIELD),
    qy: padTo(y.toReversed(), COORDINATE_FIELD),
  });
}

/**
 * Undefined when CURVE is not P-384 or the point is not on it, which `curveCheck: false` leaves out. Bytes behind the
 * coordinates are not looked at.
 */
export function decodePoint(
  pubkey: Uint8Array,
  { curveCheck = true }: { readonly curveCheck?: boolean } = {},
): Point | undefined {
  const { curve, qx, qy } = EcPublicKey.decode(pubkey);
  const x = unpad(qx);
  const y = unpad(qy);
  if (curve !== CURVE_P384 || x === undefined || y === undefined) return undefined;
  return !curveCheck || isOnCurve({ x, y }) ? { x, y } : undefined;
}

/** A certificate with both signature slots empty. */
export function makeCertificate(input: {
  usage: number;
  algo: number;
  apiMajor: number;
  apiMinor: number;
  point: Point;
}): SevCertificate {
  return {
    version: VERSION,
    apiMajor: input.apiMajor,
    apiMinor: input.apiMinor,
    reserved006: 0,
    pubkeyUsage: input.usage,
    pubkeyAlgo: input.algo,
    pubkey: encodePoint(input.point),
    sig1Usage: EMPTY_SLOT.usage,
    sig1Algo: EMPTY_SLOT.algo,
    sig1: EMPTY_SLOT.signature,
    sig2Usage: EMPTY_SLOT.usage,
    sig2Algo: EMPTY_SLOT.algo,
    sig2: EMPTY_SLOT.signature,
  };
}

/** The certificate with an ECDSA-SHA256 signature in that slot; the other slot stays. */
export function signCertificate(
  certificate: SevCertificate,
  slot: Slot,
  signer: { usage: number; d: Uint8Array },
  entropy: Entropy,
): SevCertificate {
  const { r, s } = signEcdsa(signer.d, certificateBody(certificate), entropy);
  return withSlot(certificate, slot, {
    usage: signer.usage,
    algo: KEY_ALGO.ECDSA_SHA256,
    signature: EcdsaSignature.encode({
      r: padTo(r.toReversed(), COORDINATE_FIELD),
      s: padTo(s.toReversed(), COORDINATE_FIELD),
    }),
  });
}

/** The certificate with both slots empty, for an owner to sign: sev-tool refuses a request with a signature in it. */
export const signingRequest = (certificate: SevCertificate): SevCertificate =>
  withSlot(withSlot(certificate, 1, EMPTY_SLOT), 2, EMPTY_SLOT);

/** What signatures cover: bytes 0x000 to 0x413. */
export const certificateBody = (certificate: SevCertificate): Uint8Array =>
  SevCertificate.encode(certificate).slice(0, SEV_CERTIFICATE_BODY_SIZE);

/** Both slots, the first one first. */
export const signatureSlots = (certificate: SevCertificate): readonly [SignatureSlot, SignatureSlot] => [
  { usage: certificate.sig1Usage, algo: certificate.sig1Algo, signature: certificate.sig1 },
  { usage: certificate.sig2Usage, algo: certificate.sig2Algo, signature: certificate.sig2 },
];

/** The certificate with that slot filled; the other one stays. */
export function withSlot(
  certificate: SevCertificate,
  slot: Slot,
  { usage, algo, signature }: SignatureSlot,
): SevCertificate {
  return slot === 1
    ? { ...certificate, sig1Usage: usage, sig1Algo: algo, sig1: signature }
    : { ...certificate, sig2Usage: usage, sig2Algo: algo, sig2: signature };
}

const KNOWN_USAGES: readonly number[] = Object.values(KEY_USAGE).filter((usage) => usage !== KEY_USAGE.NONE);

/** Whether VERSION is 1 and the key is one that the AMD-SP can use: a known usage, a point on P-384 or a short RSA key. */
export const isSound = (certificate: SevCertificate): boolean =>
  certificate.version === VERSION && hasSoundKey(certificate);

/** Which key may sign which; PDH certificates sign nothing. */
const SIGNERS: ReadonlyMap<number, readonly number[]> = new Map([
  [KEY_USAGE.PDH, [KEY_USAGE.PEK]],
  [KEY_USAGE.PEK, [KEY_USAGE.OCA, KEY_USAGE.CEK]],
  [KEY_USAGE.OCA, [KEY_USAGE.OCA]],
]);

/**
 * Verifies a certificate against the SEV certificate that is said to have signed it; order of the checks: firmware
 * behaviour (Genoa 1.55), which 55766 does not fix. API version, reserved and padding bytes are not looked at.
 * Of two signatures by the parent's kind of key the last one decides, or else any good one will do.
 */
export function validateCertificate(
  certificate: SevCertificate,
  parent: SevCertificate,
  { lastSignatureDecides = true }: { readonly lastSignatureDecides?: boolean } = {},
): 'SUCCESS' | 'BAD_SIGNATURE' | 'INVALID_CERTIFICATE' {
  if (!hasSoundKey(parent)) return 'INVALID_CERTIFICATE';

  const body = certificateBody(certificate);
  let verified: boolean | undefined;
  for (const { usage, algo, signature } of signatureSlots(certificate)) {
    if ((usage === KEY_USAGE.NONE) !== (algo === KEY_ALGO.NONE)) return 'BAD_SIGNATURE';
    if (usage !== parent.pubkeyUsage || algo !== parent.pubkeyAlgo) continue;
    if (verified !== true || lastSignatureDecides) verified = verifySlot(parent, body, signature);
  }
  if (verified === undefined) return 'INVALID_CERTIFICATE';
  if (!verified) return 'BAD_SIGNATURE';

  if (!isSound(certificate)) return 'INVALID_CERTIFICATE';
  return SIGNERS.get(certificate.pubkeyUsage)?.includes(parent.pubkeyUsage)
    ? 'SUCCESS'
    : 'INVALID_CERTIFICATE';
}

function hasSoundKey({ pubkeyUsage, pubkeyAlgo, pubkey }: SevCertificate): boolean {
  if (!KNOWN_USAGES.includes(pubkeyUsage)) return false;
  switch (pubkeyAlgo) {
    case KEY_ALGO.RSA_SHA256:
    case KEY_ALGO.RSA_SHA384:
      return decodeRsaKey(pubkey) !== undefined;
    case KEY_ALGO.ECDSA_SHA256:
    case KEY_ALGO.ECDSA_SHA384:
    case KEY_ALGO.ECDH_SHA256:
    case KEY_ALGO.ECDH_SHA384:
      return decodePoint(pubkey) !== undefined;
    default:
      return false;
  }
}

function verifySlot(parent: SevCertificate, body: Uint8Array, signature: Uint8Array): boolean {
  const hash = parent.pubkeyAlgo & 0x100 ? 'sha384' : 'sha256';
  switch (parent.pubkeyAlgo) {
    case KEY_ALGO.RSA_SHA256:
    case KEY_ALGO.RSA_SHA384: {
      const key = decodeRsaKey(parent.pubkey);
      return key !== undefined && verifyPss(key, hash, body, signature.subarray(0, key.modulus.length));
    }
    case KEY_ALGO.ECDSA_SHA256:
    case KEY_ALGO.ECDSA_SHA384: {
      const point = decodePoint(parent.pubkey);
      const fields = EcdsaSignature.decode(signature);
      const r = unpad(fields.r);
      const s = unpad(fields.s);
      if (point === undefined || r === undefined || s === undefined) return false;
      return verifyEcdsa(point, body, { r, s }, hash);
    }
    default:
      return false; // keys for key agreement sign nothing
  }
}

/** NOT MODELLED: keys whose modulus is not a whole number of bytes. */
function decodeRsaKey(pubkey: Uint8Array): RsaKey | undefined {
  const { modulusSize, pubexp, modulus } = RsaPublicKey.decode(pubkey);
  if (modulusSize === 0 || modulusSize > MAX_MODULUS_BITS || modulusSize % 8 !== 0) return undefined;
  return { exponent: pubexp, modulus: modulus.subarray(0, modulusSize / 8) };
}

/** A little-endian field of 72 bytes as 48 big-endian ones; undefined for a number that needs more. */
function unpad(field: Uint8Array): Uint8Array | undefined {
  return field.subarray(COORDINATE).every((byte) => byte === 0)
    ? field.slice(0, COORDINATE).reverse()
    : undefined;
}
