import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOwner, importPek, requestPek, signPek } from '../../test/owner.ts';
import { createPlatform, initialise } from '../../test/platform.ts';

const platform = createPlatform();
initialise(platform);
const owner = createOwner();
const pek = signPek(owner, requestPek(platform));
const { identity } = platform.sp;

const pick = (numbers: Readonly<Record<string, number>>) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...Object.values(numbers)) },
    { weight: 1, arbitrary: fc.nat() },
  );
const field = (size: number) =>
  fc.oneof(
    fc.uint8Array({ minLength: size, maxLength: size }),
    fc.nat(255).map((byte) => new Uint8Array(size).fill(byte)),
  );

/** What a certificate may have in the place of what the owner wrote. */
const change = fc.record(
  {
    version: fc.nat(3),
    pubkeyUsage: pick(KEY_USAGE),
    pubkeyAlgo: pick(KEY_ALGO),
    pubkey: field(0x404).chain((key) =>
      fc.constantFrom(0, 1, 2, 8, 512, 2048, 4096, 4104, 0xffff).map((size) => {
        const sized = key.slice();
        new DataView(sized.buffer).setUint32(0, size, true); // CURVE, or the size of an RSA modulus in bits
        return sized;
      }),
    ),
    sig1Usage: pick(KEY_USAGE),
    sig1Algo: pick(KEY_ALGO),
    sig1: field(0x200),
    sig2Usage: pick(KEY_USAGE),
    sig2Algo: pick(KEY_ALGO),
    sig2: field(0x200),
  },
  { requiredKeys: [] },
);

test('no forged certificate makes the AMD-SP fail, nor changes who the platform is', () => {
  fc.assert(
    fc.property(change, change, (ocaChange, pekChange) => {
      fc.pre('pubkey' in ocaChange || 'sig1' in ocaChange || 'version' in ocaChange);
      fc.pre(ocaChange.version !== 1 || 'sig1' in ocaChange || 'pubkey' in ocaChange);
      const status = importPek(platform, { ...pek, ...pekChange }, { ...owner.oca, ...ocaChange });
      expect(status).toMatch(/^(BAD_SIGNATURE|INVALID_CERTIFICATE)$/);
      expect(platform.sp.identity).toBe(identity);
    }),
    { numRuns: 300 },
  );
});

test('nor does an OCA with an RSA key that is none', () => {
  const exponent = fc.constantFrom(0, 1, 2, 3, 0x1_0001);
  const algo = fc.constantFrom(KEY_ALGO.RSA_SHA256, KEY_ALGO.RSA_SHA384);
  const bits = fc.constantFrom(0, 1, 8, 16, 256, 264, 512, 1024, 2048, 4096, 4104, 0xffff_ffff);
  fc.assert(
    fc.property(algo, bits, exponent, fc.nat(255), field(0x200), (rsa, size, e, fill, signature) => {
      const pubkey = new Uint8Array(0x404).fill(fill);
      const view = new DataView(pubkey.buffer);
      view.setUint32(0, size, true);
      pubkey.fill(0, 4, 0x204);
      view.setUint32(4, e, true);
      const oca = { ...owner.oca, pubkeyAlgo: rsa, pubkey, sig1Algo: rsa, sig1: signature };
      expect(importPek(platform, { ...pek, sig1Algo: rsa }, oca)).toMatch(
        /^(BAD_SIGNATURE|INVALID_CERTIFICATE)$/,
      );
    }),
    { numRuns: 300 },
  );
});

test('nor does one of random bytes', () => {
  const size = SevCertificate.size;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: size, maxLength: size }), (bytes) => {
      const forged = SevCertificate.decode(bytes);
      expect(importPek(platform, forged, owner.oca)).not.toBe('SUCCESS');
      expect(importPek(platform, pek, forged)).not.toBe('SUCCESS');
    }),
    { numRuns: 50 },
  );
});
