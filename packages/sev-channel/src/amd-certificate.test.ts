import { constants, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { fromBase64, utf8 } from '@sevlab/codec/bytes';
import { decodeAmdCertificate, KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { describe, expect, test } from 'vitest';
import { flipBit } from '../test/flip.ts';
import { makePlatform, unsigned } from '../test/platform.ts';
import sevTool from '../test/vectors/sev-tool-chains.json' with { type: 'json' };
import {
  encodeAmdCertificate,
  signCek,
  verifyAmdCertificate,
  verifyCekSignature,
} from './amd-certificate.ts';
import { EMULATED_ARK, EMULATED_ASK, emulatedArkPrivateKey, emulatedAskPrivateKey } from './emulated-root.ts';
import { signPss } from './rsa-pss.ts';

describe.each(Object.entries(sevTool.platforms))('%s of sev-tool', (_, files) => {
  const ark = decodeAmdCertificate(fromBase64(files['ark.cert']));
  const ask = decodeAmdCertificate(fromBase64(files['ask.cert']));
  const cek = SevCertificate.decode(fromBase64(files['cek.cert']));

  test('ARK signed itself and the ASK, the ASK signed the CEK', () => {
    expect(verifyAmdCertificate(ark, ark)).toBe(true);
    expect(verifyAmdCertificate(ask, ark)).toBe(true);
    expect(verifyCekSignature(cek, ask)).toBe(true);
  });

  test('and not the other way round', () => {
    expect(verifyAmdCertificate(ark, ask)).toBe(false);
    expect(verifyAmdCertificate(ask, ask)).toBe(false);
    expect(verifyCekSignature(cek, ark)).toBe(false);
  });

  test('encodes to its file', () => {
    expect(encodeAmdCertificate(ark)).toEqual(fromBase64(files['ark.cert']));
  });
});

describe('the emulated root', () => {
  const ark = decodeAmdCertificate(EMULATED_ARK);
  const ask = decodeAmdCertificate(EMULATED_ASK);
  const { chain, keys } = makePlatform('root');

  test('ARK by itself, ASK by ARK, CEK by ASK', () => {
    expect(verifyAmdCertificate(ark, ark)).toBe(true);
    expect(verifyAmdCertificate(ask, ark)).toBe(true);
    expect(verifyCekSignature(chain.cek, ask)).toBe(true);
  });

  test('has 1600-byte certificates whose KEY_IDs say what they are', () => {
    expect([EMULATED_ARK.length, EMULATED_ASK.length]).toEqual([1600, 1600]);
    expect(ark.head.keyId).toEqual(utf8('sevlab test ARK '));
    expect(ark.head.certifyingId).toEqual(ark.head.keyId);
    expect(ask.head.keyId).toEqual(utf8('sevlab test ASK '));
    expect(ask.head.certifyingId).toEqual(ark.head.keyId);
    expect([ark.head.keyUsage, ask.head.keyUsage]).toEqual([KEY_USAGE.ARK, KEY_USAGE.ASK]);
  });

  test('has the private keys of both', () => {
    const modulus = (bytes: Uint8Array) => Buffer.from(bytes.toReversed()).toString('base64url');
    expect(emulatedArkPrivateKey().export({ format: 'jwk' }).n).toBe(modulus(ark.modulus));
    expect(emulatedAskPrivateKey().export({ format: 'jwk' }).n).toBe(modulus(ask.modulus));
  });

  // One bit in each part; the padding of the exponent is signed like the rest.
  const parts = { version: 0, keyId: 4, usage: 0x24, reserved: 0x28, pubexp: 0x43, modulus: 0x300 };
  test.each(Object.entries({ ...parts, signature: 0x500 }))('a flipped bit in %s is noticed', (_, offset) => {
    const changed = decodeAmdCertificate(flipBit(EMULATED_ASK, 8 * offset));
    expect(verifyAmdCertificate(changed, ark)).toBe(false);
  });

  test.each([0x40, 0x240, 0x43f])('a parent with a broken key (byte %i) verifies nothing', (offset) => {
    expect(verifyAmdCertificate(ask, decodeAmdCertificate(flipBit(EMULATED_ARK, 8 * offset)))).toBe(false);
  });

  test('a CEK signature counts in either slot, but only with the usage and algorithm of the ASK', () => {
    const { cek } = chain;
    const { sig1Usage, sig1Algo, sig1 } = cek;
    const empty = { sig1Usage: KEY_USAGE.NONE, sig1Algo: KEY_ALGO.NONE, sig1: new Uint8Array(0x200) };
    const moved = { ...cek, ...empty, sig2Usage: sig1Usage, sig2Algo: sig1Algo, sig2: sig1 };
    expect([sig1Usage, sig1Algo]).toEqual([0x13, 0x101]);
    expect(verifyCekSignature(moved, ask)).toBe(true);
    expect(verifyCekSignature({ ...cek, sig1Usage: KEY_USAGE.ARK }, ask)).toBe(false);
    expect(verifyCekSignature({ ...cek, sig1Algo: KEY_ALGO.RSA_SHA256 }, ask)).toBe(false);
    expect(verifyCekSignature({ ...cek, apiMinor: 14 }, ask)).toBe(false);
    expect(verifyCekSignature({ ...cek, sig1: sig1.toReversed() }, ask)).toBe(false);
    expect(verifyCekSignature(unsigned(KEY_USAGE.CEK, KEY_ALGO.ECDSA_SHA256, keys.cek), ask)).toBe(false);
  });

  test('a CEK is signed the same way twice by one stream, differently by another', () => {
    const bare = unsigned(KEY_USAGE.CEK, KEY_ALGO.ECDSA_SHA256, keys.cek);
    const signWith = (seed: string) =>
      SevCertificate.encode(signCek(bare, emulatedAskPrivateKey(), seededEntropy(seed, 'kds')));
    expect(signWith('a')).toEqual(signWith('a'));
    expect(signWith('b')).not.toEqual(signWith('a'));
  });
});

describe('signPss', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const message = utf8('message');

  test.each([
    ['2048 bits with SHA-256', privateKey, 'sha256', 32],
    ['4096 bits with SHA-384', emulatedAskPrivateKey(), 'sha384', 48],
  ] as const)(
    '%s: node:crypto accepts it, with the salt length that certificates need',
    (_, key, hash, length) => {
      const accepts = (signature: Uint8Array, saltLength: number) =>
        verify(
          hash,
          message,
          { key: createPublicKey(key), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
          signature,
        );
      for (const fill of [0x00, 0x5a, 0xff]) {
        const salt = new Uint8Array(length).fill(fill);
        const signature = signPss(key, message, salt);
        expect(signPss(key, message, salt)).toEqual(signature);
        expect(accepts(signature.toReversed(), length)).toBe(true);
        expect(accepts(signature.toReversed(), length - 1)).toBe(false);
        expect(accepts(signature, length)).toBe(false);
      }
    },
  );

  test('a key that is not RSA is refused', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    expect(() => signPss(ec, message, new Uint8Array(32))).toThrow('expected an RSA private key, got ec');
  });
});
