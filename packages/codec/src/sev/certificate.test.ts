import { expect, test } from 'vitest';
import { concat } from '../bytes.ts';
import { LengthError } from '../layout.ts';
import {
  AmdCertificateHead,
  CERT_CHAIN_SIZE,
  decodeAmdCertificate,
  SEV_CERTIFICATE_BODY_SIZE,
  SevCertificate,
} from './certificate.ts';

/** A certificate with recognisable bytes in each part; only `bits` of it are told. */
function amdCertificate(bits: number, exponentBits = bits, bytes = bits / 8): Uint8Array {
  const id = new Uint8Array(16);
  const head = { version: 1, keyId: id, certifyingId: id, keyUsage: 0x13 };
  return concat(
    AmdCertificateHead.encode({ ...head, pubexpSize: exponentBits, modulusSize: bits }),
    ...[1, 2, 3].map((part) => new Uint8Array(bytes).fill(part)),
  );
}

test.each([
  [2048, 0x340],
  [4096, 0x640],
])('an AMD certificate of %i bits has %i bytes and comes apart', (bits, size) => {
  const file = amdCertificate(bits);
  expect(file).toHaveLength(size);
  const { head, pubexp, modulus, signature, signed } = decodeAmdCertificate(file);
  expect(head.modulusSize).toBe(bits);
  expect([pubexp, modulus, signature]).toEqual([1, 2, 3].map((part) => new Uint8Array(bits / 8).fill(part)));
  expect(signed).toEqual(file.subarray(0, size - bits / 8));
});

test.each([
  ['a key of 1024 bits', amdCertificate(1024)],
  ['an exponent of another size', amdCertificate(2048, 4096)],
  ['a file that is cut off', amdCertificate(2048).subarray(1)],
  ['a byte too many', concat(amdCertificate(4096), new Uint8Array(1))],
  ['sizes that are no whole bytes', amdCertificate(2049, 2049, 256)],
])('%s is refused', (_, file) => {
  expect(() => decodeAmdCertificate(file)).toThrow(RangeError);
  expect(() => decodeAmdCertificate(file)).toThrow('AMD certificate: expected 2048 or 4096 bits');
});

test('the parts of a Buffer are copies', () => {
  const file = Buffer.from(amdCertificate(2048));
  const { modulus, signed } = decodeAmdCertificate(file);
  const before = new Uint8Array(signed);
  file.fill(0);
  expect(modulus).toEqual(new Uint8Array(256).fill(2));
  expect(signed).toEqual(before);
});

test('a file shorter than the head is a LengthError', () => {
  expect(() => decodeAmdCertificate(new Uint8Array(0x3f))).toThrow(LengthError);
});

test('the signed part of an SEV certificate ends where its first signature slot begins', () => {
  expect(SevCertificate.rows.find(({ name }) => name === 'sig1Usage')?.offset).toBe(
    SEV_CERTIFICATE_BODY_SIZE,
  );
  expect(CERT_CHAIN_SIZE).toBe(0x186c);
});
