import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat, fromHex, padTo, toHex } from '@sevlab/codec/bytes';
import { CURVE_P384, EcPublicKey, KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { describe, expect, test } from 'vitest';
import { flipBit } from '../test/flip.ts';
import { makePlatform, unsigned } from '../test/platform.ts';
import model from '../test/vectors/model.json' with { type: 'json' };
import {
  certificateBody,
  decodePoint,
  encodePoint,
  isSound,
  makeCertificate,
  type Slot,
  signCertificate,
  validateCertificate,
  withSlot,
} from './certificate.ts';
import { generateKeyPair, P384_ORDER } from './p384.ts';

const { keys, chain, entropy } = makePlatform('certificates');
const { ECDSA_SHA256, ECDSA_SHA384, ECDH_SHA256, RSA_SHA256, RSA_SHA384 } = KEY_ALGO;

const signed = (certificate: SevCertificate, slot: Slot, usage: number, d: Uint8Array) =>
  signCertificate(certificate, slot, { usage, d }, seededEntropy('again', 'signer'));

describe('the PUBKEY field', () => {
  const { pdh_x, pdh_y } = model.ecdh;
  const point = { x: fromHex(pdh_x), y: fromHex(pdh_y) };

  test('holds the coordinates little endian, padded to 72 bytes', () => {
    const zeros = (n: number) => '00'.repeat(n);
    const reversed = (text: string) => toHex(fromHex(text).toReversed());
    expect(toHex(encodePoint(point))).toBe(
      `02000000${reversed(pdh_x)}${zeros(24)}${reversed(pdh_y)}${zeros(24)}${zeros(0x404 - 0x94)}`,
    );
    expect(decodePoint(encodePoint(point))).toEqual(point);
  });

  test('is refused with another curve, a point off the curve, big-endian or oversized coordinates', () => {
    const fields = EcPublicKey.decode(encodePoint(point));
    const wrong = [
      { ...fields, curve: 1 },
      { ...fields, qy: flipBit(fields.qy, 0) },
      { curve: CURVE_P384, qx: padTo(point.x, 72), qy: padTo(point.y, 72) },
      { ...fields, qx: flipBit(fields.qx, 48 * 8) },
      { ...fields, qy: flipBit(fields.qy, 72 * 8 - 1) },
    ];
    for (const value of wrong) expect(decodePoint(EcPublicKey.encode(value))).toBeUndefined();
  });

  test('may hold anything behind the coordinates', () => {
    const noisy = encodePoint(point).fill(0xff, 0x94);
    expect(decodePoint(noisy)).toEqual(point);
  });
});

test('a new certificate has both slots empty: usage 0x1000, algorithm 0', () => {
  const bytes = SevCertificate.encode(
    makeCertificate({
      usage: KEY_USAGE.PEK,
      algo: ECDSA_SHA256,
      apiMajor: 1,
      apiMinor: 55,
      point: keys.pek,
    }),
  );
  const empty = concat(Uint8Array.of(0, 0x10, 0, 0, 0, 0, 0, 0), new Uint8Array(0x200));
  expect(toHex(bytes.slice(0, 0x10))).toBe('01000000013700000210000002000000');
  expect(bytes.slice(0x414)).toEqual(concat(empty, empty));
});

test('a signature is deterministic, stays in its slot and covers bytes 0x000 to 0x413', () => {
  const once = SevCertificate.encode(signed(chain.pdh, 2, KEY_USAGE.PEK, keys.pek.d));
  expect(SevCertificate.encode(signed(chain.pdh, 2, KEY_USAGE.PEK, keys.pek.d))).toEqual(once);
  expect(once.slice(0, 0x61c)).toEqual(SevCertificate.encode(chain.pdh).slice(0, 0x61c));
  expect(toHex(once.slice(0x61c, 0x624))).toBe('0210000002000000');
  expect(once.slice(0x624 + 48, 0x624 + 72).every((byte) => byte === 0)).toBe(true);

  expect(certificateBody(chain.pdh)).toEqual(SevCertificate.encode(chain.pdh).slice(0, 0x414));
  const verdict = (bit: number) =>
    validateCertificate(SevCertificate.decode(flipBit(SevCertificate.encode(chain.pdh), bit)), chain.pek);
  expect(verdict(8 * 0x414 - 1)).toBe('BAD_SIGNATURE'); // last padding byte of PUBKEY
  expect(verdict(8 * 0x006)).toBe('BAD_SIGNATURE'); // reserved, but signed
  expect(verdict(8 * (0x41c + 0x90))).toBe('SUCCESS'); // padding of the signature
});

describe('validateCertificate', () => {
  const { pdh, pek, oca, cek } = chain;
  const other = generateKeyPair(entropy);
  const byPek = (certificate: SevCertificate, slot: Slot = 1) =>
    signed(certificate, slot, KEY_USAGE.PEK, keys.pek.d);
  const bare = unsigned(KEY_USAGE.PDH, ECDH_SHA256, keys.pdh);
  const badSlot1 = { ...pdh, sig1: flipBit(pdh.sig1, 0) };
  const order = padTo(fromHex(P384_ORDER.toString(16)).toReversed(), 72);
  const offCurve = encodePoint({ x: keys.pdh.y, y: keys.pdh.x });

  const cases: [string, SevCertificate, SevCertificate, ReturnType<typeof validateCertificate>][] = [
    ['PDH by PEK', pdh, pek, 'SUCCESS'],
    ['PEK by OCA', pek, oca, 'SUCCESS'],
    ['PEK by CEK, in the second slot', pek, cek, 'SUCCESS'],
    ['OCA by itself', oca, oca, 'SUCCESS'],

    ['parent with a point off the curve', pdh, { ...pek, pubkey: offCurve }, 'INVALID_CERTIFICATE'],
    ['parent with another curve', pdh, { ...pek, pubkey: flipBit(pek.pubkey, 0) }, 'INVALID_CERTIFICATE'],
    ['parent of unknown usage', pdh, { ...pek, pubkeyUsage: 0x1005 }, 'INVALID_CERTIFICATE'],
    ['parent whose usage is NONE', pdh, { ...pek, pubkeyUsage: KEY_USAGE.NONE }, 'INVALID_CERTIFICATE'],
    ['parent of unknown algorithm', pdh, { ...pek, pubkeyAlgo: 4 }, 'INVALID_CERTIFICATE'],
    ['parent VERSION 2 is not looked at', pdh, { ...pek, version: 2 }, 'SUCCESS'],
    [
      'an unusable parent goes before a malformed slot',
      { ...pdh, sig2Usage: 0 },
      { ...pek, pubkeyAlgo: 4 },
      'INVALID_CERTIFICATE',
    ],

    ['no signature', bare, pek, 'INVALID_CERTIFICATE'],
    ['second slot all zero', { ...pdh, sig2Usage: 0 }, pek, 'BAD_SIGNATURE'],
    ['first slot all zero', { ...byPek(bare, 2), sig1Usage: 0 }, pek, 'BAD_SIGNATURE'],
    ['empty usage with an algorithm', { ...pdh, sig2Algo: ECDSA_SHA256 }, pek, 'BAD_SIGNATURE'],
    ['slot of another usage', { ...pdh, sig1Usage: KEY_USAGE.CEK }, pek, 'INVALID_CERTIFICATE'],
    ['slot of another algorithm', { ...pdh, sig1Algo: ECDSA_SHA384 }, pek, 'INVALID_CERTIFICATE'],
    ['signed by another key', signed(bare, 1, KEY_USAGE.PEK, other.d), pek, 'BAD_SIGNATURE'],
    ['slot 1 bad, slot 2 good', byPek(badSlot1, 2), pek, 'SUCCESS'],
    [
      'slot 1 good, slot 2 bad',
      withSlot(pdh, 2, { usage: KEY_USAGE.PEK, algo: ECDSA_SHA256, signature: badSlot1.sig1 }),
      pek,
      'BAD_SIGNATURE',
    ],
    ['r is 0', { ...pdh, sig1: concat(new Uint8Array(72), pdh.sig1.slice(72)) }, pek, 'BAD_SIGNATURE'],
    ['r is n', { ...pdh, sig1: concat(order, pdh.sig1.slice(72)) }, pek, 'BAD_SIGNATURE'],
    ['r has more than 48 bytes', { ...pdh, sig1: flipBit(pdh.sig1, 8 * 48) }, pek, 'BAD_SIGNATURE'],
    ['s has more than 48 bytes', { ...pdh, sig1: flipBit(pdh.sig1, 8 * 143) }, pek, 'BAD_SIGNATURE'],

    ['VERSION 2, signed well', byPek({ ...bare, version: 2 }), pek, 'INVALID_CERTIFICATE'],
    ['VERSION 2, signed badly', { ...pdh, version: 2 }, pek, 'BAD_SIGNATURE'],
    ['own point off the curve', byPek({ ...bare, pubkey: offCurve }), pek, 'INVALID_CERTIFICATE'],
    ['own usage unknown', byPek({ ...bare, pubkeyUsage: 0x1005 }), pek, 'INVALID_CERTIFICATE'],
    ['API version of another world', byPek({ ...bare, apiMajor: 255, apiMinor: 255 }), pek, 'SUCCESS'],
    ['reserved bytes not zero', byPek({ ...bare, reserved006: 0xffff }), pek, 'SUCCESS'],
  ];

  test.each(cases)('%s', (_, certificate, parent, verdict) => {
    expect(validateCertificate(certificate, parent)).toBe(verdict);
  });

  // Every usage under every usage: only these four are links of a chain.
  const usages = Object.entries(KEY_USAGE).filter(([name]) => name !== 'NONE');
  const allowed = ['PDH←PEK', 'PEK←OCA', 'PEK←CEK', 'OCA←OCA'];
  test.each(
    usages.flatMap(([child, childUsage]) =>
      usages.map(([parent, parentUsage]) => ({ link: `${child}←${parent}`, childUsage, parentUsage })),
    ),
  )('$link', ({ link, childUsage, parentUsage }) => {
    const parent = unsigned(parentUsage, ECDSA_SHA256, keys.pek);
    const child = signed(unsigned(childUsage, ECDSA_SHA256, keys.pdh), 1, parentUsage, keys.pek.d);
    expect(validateCertificate(child, parent)).toBe(
      allowed.includes(link) ? 'SUCCESS' : 'INVALID_CERTIFICATE',
    );
  });

  test('a key for key agreement cannot have signed', () => {
    const parent = unsigned(KEY_USAGE.PEK, ECDH_SHA256, keys.pek);
    expect(validateCertificate({ ...pdh, sig1Algo: ECDH_SHA256 }, parent)).toBe('BAD_SIGNATURE');
  });

  test('a PEK signed with SHA-384 by a key that says so', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const { x, y } = privateKey.export({ format: 'jwk' });
    const coordinate = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
    const ownOca = makeCertificate({
      usage: KEY_USAGE.OCA,
      algo: ECDSA_SHA384,
      apiMajor: 0,
      apiMinor: 0,
      point: { x: coordinate(x), y: coordinate(y) },
    });
    const both = sign('sha384', certificateBody(pek), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const signature = padTo(
      concat(
        padTo(new Uint8Array(both.subarray(0, 48)).reverse(), 72),
        padTo(new Uint8Array(both.subarray(48)).reverse(), 72),
      ),
      0x200,
    );
    const imported = withSlot(pek, 1, { usage: KEY_USAGE.OCA, algo: ECDSA_SHA384, signature });
    expect(validateCertificate(imported, ownOca)).toBe('SUCCESS');
    expect(validateCertificate(imported, oca)).toBe('INVALID_CERTIFICATE');
  });
});

describe('an owner with an RSA key', () => {
  const rsaOca = (key: KeyObject, algo: number, modulusBits: number): SevCertificate => {
    const { n, e } = key.export({ format: 'jwk' });
    const field = (text: string | undefined) =>
      padTo(new Uint8Array(Buffer.from(text ?? '', 'base64url')).reverse(), 512);
    const size = Uint8Array.of(modulusBits & 0xff, modulusBits >> 8, 0, 0);
    const template = unsigned(KEY_USAGE.OCA, algo, keys.oca);
    return { ...template, pubkey: concat(size, field(e), field(n)) };
  };
  const signPek = (key: KeyObject, algo: number, hash: string, saltLength: number): SevCertificate => {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signature = sign(hash, certificateBody(chain.pek), { key, padding, saltLength });
    return withSlot(chain.pek, 1, {
      usage: KEY_USAGE.OCA,
      algo,
      signature: padTo(new Uint8Array(signature).reverse(), 0x200),
    });
  };
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  test.each([
    [RSA_SHA256, 'sha256', 32],
    [RSA_SHA384, 'sha384', 48],
  ] as const)('algorithm %i signs with PSS and %s', (algo, hash, saltLength) => {
    const owner = rsaOca(publicKey, algo, 2048);
    expect(validateCertificate(signPek(privateKey, algo, hash, saltLength), owner)).toBe('SUCCESS');
    expect(validateCertificate(signPek(privateKey, algo, hash, saltLength - 1), owner)).toBe('BAD_SIGNATURE');
    const swapped = signPek(privateKey, algo, hash === 'sha256' ? 'sha384' : 'sha256', saltLength);
    expect(validateCertificate(swapped, owner)).toBe('BAD_SIGNATURE');
  });

  test.each([0, 2049, 4104])('a modulus of %i bits is no key', (bits) => {
    const pek = signPek(privateKey, RSA_SHA256, 'sha256', 32);
    expect(validateCertificate(pek, rsaOca(publicKey, RSA_SHA256, bits))).toBe('INVALID_CERTIFICATE');
  });
});

test('isSound: version, known usage, known algorithm, usable point', () => {
  const good = unsigned(KEY_USAGE.PDH, ECDH_SHA256, keys.pdh);
  expect(isSound(good)).toBe(true);
  expect(isSound({ ...good, pubkeyAlgo: KEY_ALGO.ECDH_SHA384 })).toBe(true);
  expect(isSound({ ...good, version: 0 })).toBe(false);
  expect(isSound({ ...good, pubkeyUsage: KEY_USAGE.NONE })).toBe(false);
  expect(isSound({ ...good, pubkeyAlgo: KEY_ALGO.NONE })).toBe(false);
  expect(isSound({ ...good, pubkey: flipBit(good.pubkey, 8 * 4) })).toBe(false);
});
