import { concat } from '@sevlab/codec/bytes';
import { LengthError } from '@sevlab/codec/layout';
import { decodeAmdCertificate, KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changed, exactly, nearly } from '../../testing/src/arbitraries.ts';
import { makePlatform } from '../test/platform.ts';
import { decodePoint, validateCertificate } from './certificate.ts';
import { verifyChain } from './chain.ts';
import { EMULATED_ARK, EMULATED_ASK } from './emulated-root.ts';
import { unwrapSession } from './session.ts';

/** Bytes that strangers hand in: whatever they are, there is an answer or an error of a kind that callers know. */

const { chain } = makePlatform('malformed');
const GOOD = {
  certificate: SevCertificate.encode(chain.pek),
  'AMD certificate': EMULATED_ASK,
  session: new Uint8Array(LaunchSession.size).fill(7),
  'packet header': new Uint8Array(PacketHeader.size).fill(7),
  measurement: new Uint8Array(LaunchMeasurement.size).fill(7),
};

/** Random bytes, or good ones that are cut short, too long, or changed. */
const damaged = (good: Uint8Array) => fc.oneof(fc.uint8Array({ maxLength: good.length + 64 }), nearly(good));

test.each<[keyof typeof GOOD, (bytes: Uint8Array) => unknown]>([
  ['certificate', SevCertificate.decode],
  ['AMD certificate', decodeAmdCertificate],
  ['session', LaunchSession.decode],
  ['packet header', PacketHeader.decode],
  ['measurement', LaunchMeasurement.decode],
])('a malformed %s is decoded, or refused with what was expected and what came', (name, decode) => {
  fc.assert(
    fc.property(damaged(GOOD[name]), (bytes) => {
      try {
        decode(bytes);
        expect(bytes.length).toBe(GOOD[name].length);
      } catch (error) {
        expect(error instanceof LengthError || error instanceof RangeError).toBe(true);
        expect(String(error)).toMatch(/expected .*, got .*\d+/);
      }
    }),
  );
});

const sameSize = (good: Uint8Array) => fc.oneof(exactly(good.length), changed(good));
const anyKey = fc.record({
  version: fc.constantFrom(1, 1, 2),
  pubkeyUsage: fc.constantFrom(...Object.values(KEY_USAGE), 0x42),
  pubkeyAlgo: fc.constantFrom(...Object.values(KEY_ALGO), 0x42),
  pubkey: fc.oneof(
    fc.uint8Array({ minLength: 0x404, maxLength: 0x404 }),
    fc.constant(chain.pek.pubkey),
    // an RSA key of a size that passes, with any exponent and modulus
    fc
      .tuple(
        fc.constantFrom(8, 16, 512, 2048, 4096, 0),
        fc.uint8Array({ minLength: 0x400, maxLength: 0x400 }),
      )
      .map(([bits, numbers]) => concat(Uint8Array.of(bits & 0xff, bits >> 8, 0, 0), numbers)),
  ),
});

test('validateCertificate has a verdict on any certificate under any parent', () => {
  fc.assert(
    fc.property(sameSize(GOOD.certificate), anyKey, fc.boolean(), (bytes, key, isOwnParent) => {
      const parent = { ...chain.oca, ...key };
      const child = { ...SevCertificate.decode(bytes), sig1Usage: key.pubkeyUsage, sig1Algo: key.pubkeyAlgo };
      const verdict = validateCertificate(isOwnParent ? { ...child, ...key } : child, parent);
      expect(['SUCCESS', 'BAD_SIGNATURE', 'INVALID_CERTIFICATE']).toContain(verdict);
    }),
  );
});

test('decodePoint takes any public key', () => {
  fc.assert(
    fc.property(anyKey, ({ pubkey }) => {
      const point = decodePoint(pubkey);
      expect(point === undefined || point.x.length === 48).toBe(true);
    }),
  );
});

test('verifyChain refuses any damaged link, and says which one', () => {
  const links = fc.constantFrom('pdh', 'pek', 'oca', 'cek');
  const amd = fc.constantFrom('ask', 'ark');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(links, sameSize(GOOD.certificate).map(SevCertificate.decode)),
        fc.tuple(
          links,
          anyKey.map((key) => ({ ...chain.cek, ...key })),
        ),
        fc.tuple(amd, sameSize(EMULATED_ASK).filter(isAmd).map(decodeAmdCertificate)),
      ),
      ([link, certificate]) => {
        const verdict = verifyChain({ ...chain, [link]: certificate }, EMULATED_ARK);
        if (!verdict.accepted)
          expect(verdict.reason).toMatch(/^(PDH|PEK|OCA|CEK|ASK|ARK)\b.*expected .*, got .*/);
      },
    ),
  );
});

function isAmd(bytes: Uint8Array): boolean {
  try {
    decodeAmdCertificate(bytes);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

test('unwrapSession refuses a session that nobody made', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 48, maxLength: 48 }), sameSize(GOOD.session), (z, bytes) => {
      expect(unwrapSession(z, LaunchSession.decode(bytes))).toBeUndefined();
    }),
  );
});
