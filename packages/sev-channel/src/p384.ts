import { createECDH, createHash, createPublicKey, type ECDH, type KeyObject, verify } from 'node:crypto';
import type { Entropy } from '@sevlab/ambient/entropy';
import { concat } from '@sevlab/codec/bytes';
import { fromBigEndian, toBigEndian } from './integer.ts';

/**
 * Elliptic-curve keys, key agreement and signatures on P-384 (FIPS 186-4, D.1.2.4), with every random number drawn
 * from a given stream. Not constant-time: the scalar arithmetic of a signature is BigInt. For an emulator only.
 */

/** Affine coordinates, 48 bytes each, big endian. Certificates hold them little endian. */
export interface Point {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** `d` is the private scalar, 48 bytes, big endian. */
export interface KeyPair extends Point {
  readonly d: Uint8Array;
}

/** 48 bytes each, big endian. */
export interface Signature {
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

const SIZE = 48;
const FIELD = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;
const B = 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn;

/** n, the number of points; private scalars are 1 to n-1. */
export const P384_ORDER =
  0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;

/** Draws 48 bytes at a time until they are a scalar from 1 to n-1. */
export function generateKeyPair(entropy: Entropy): KeyPair {
  return keyPairFromScalar(drawScalar(entropy));
}

/** `d` is big endian. Throws (ERR_CRYPTO_INVALID_KEYTYPE) when it is not from 1 to n-1. */
export function keyPairFromScalar(d: Uint8Array): KeyPair {
  const encoded = new Uint8Array(agreement(d).getPublicKey()); // 04, x, y
  return { d: d.slice(), x: encoded.slice(1, 1 + SIZE), y: encoded.slice(1 + SIZE) };
}

/** Whether both coordinates are below p and satisfy y^2 = x^3 - 3x + b. */
export function isOnCurve(point: Point): boolean {
  if (point.x.length !== SIZE || point.y.length !== SIZE) return false;
  const x = fromBigEndian(point.x);
  const y = fromBigEndian(point.y);
  return x < FIELD && y < FIELD && (y * y - (x * x * x - 3n * x + B)) % FIELD === 0n;
}

/**
 * The X coordinate of d times `point`: 48 bytes, big endian, with its leading zeros.
 * Throws (ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY) for a point off the curve.
 */
export function sharedSecret(d: Uint8Array, point: Point): Uint8Array {
  return new Uint8Array(agreement(d).computeSecret(uncompressed(point)));
}

/**
 * The same for any pair of numbers below p, on the curve or not. Adding points never uses b, so firmware that does
 * not check computes on another curve, y^2 = x^3 - 3x + b', whose points may have small orders: what comes out then
 * tells the private scalar's residues (CVE-2019-9836). All zeros for the point at infinity. Not constant-time.
 */
export function uncheckedSecret(d: Uint8Array, { x, y }: Point): Uint8Array {
  let sum: Affine | undefined;
  let power: Affine | undefined = { x: fromBigEndian(x), y: fromBigEndian(y) };
  for (let bits = fromBigEndian(d); bits > 0n; bits >>= 1n) {
    if (bits & 1n) sum = add(sum, power);
    power = add(power, power);
  }
  return toBigEndian(sum?.x ?? 0n, SIZE);
}

interface Affine {
  readonly x: bigint;
  readonly y: bigint;
}

/** Undefined is the point at infinity. */
function add(a: Affine | undefined, b: Affine | undefined): Affine | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.x === b.x && (a.y !== b.y || a.y === 0n)) return undefined;
  const slope =
    a.x === b.x
      ? (3n * a.x * a.x - 3n) * invert(2n * a.y, FIELD)
      : (b.y - a.y) * invert(modulo(b.x - a.x), FIELD);
  const x = modulo(slope * slope - a.x - b.x);
  return { x, y: modulo(slope * (a.x - x) - a.y) };
}

const modulo = (value: bigint): bigint => ((value % FIELD) + FIELD) % FIELD;

/** ECDSA with SHA-256, where k is drawn from the entropy by rejection, 48 bytes at a time. Not constant-time. */
export function signEcdsa(d: Uint8Array, message: Uint8Array, entropy: Entropy): Signature {
  const e = fromBigEndian(createHash('sha256').update(message).digest()); // shorter than n: nothing is cut off
  for (;;) {
    const k = drawScalar(entropy);
    const r = fromBigEndian(keyPairFromScalar(k).x) % P384_ORDER;
    const s = (invert(fromBigEndian(k), P384_ORDER) * (e + r * fromBigEndian(d))) % P384_ORDER;
    if (r !== 0n && s !== 0n) return { r: toBigEndian(r, SIZE), s: toBigEndian(s, SIZE) };
  }
}

/** False also for a point off the curve, and for r or s that is 0 or at least n. */
export function verifyEcdsa(
  point: Point,
  message: Uint8Array,
  { r, s }: Signature,
  hash: 'sha256' | 'sha384' = 'sha256',
): boolean {
  if (!isOnCurve(point) || !isScalar(r) || !isScalar(s)) return false;
  return verify(hash, message, { key: publicKey(point), dsaEncoding: 'ieee-p1363' }, concat(r, s));
}

const isScalar = (bytes: Uint8Array): boolean => {
  const value = fromBigEndian(bytes);
  return bytes.length === SIZE && value > 0n && value < P384_ORDER;
};

function drawScalar(entropy: Entropy): Uint8Array {
  for (;;) {
    const drawn = entropy.bytes(SIZE);
    if (isScalar(drawn)) return drawn;
  }
}

function agreement(d: Uint8Array): ECDH {
  const ecdh = createECDH('secp384r1');
  ecdh.setPrivateKey(d);
  return ecdh;
}

const uncompressed = ({ x, y }: Point): Uint8Array => concat(Uint8Array.of(4), x, y);

function publicKey({ x, y }: Point): KeyObject {
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  return createPublicKey({
    key: { kty: 'EC', crv: 'P-384', x: base64url(x), y: base64url(y) },
    format: 'jwk',
  });
}

/** By the extended Euclidean algorithm. */
function invert(value: bigint, modulus: bigint): bigint {
  let [a, b] = [modulus, value % modulus];
  let [u, v] = [0n, 1n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [u, v] = [v, u - quotient * v];
  }
  return u < 0n ? u + modulus : u;
}
