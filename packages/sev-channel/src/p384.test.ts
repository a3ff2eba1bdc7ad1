import { createPublicKey, createSign, generateKeyPairSync, verify } from 'node:crypto';
import { type Entropy, seededEntropy } from '@sevlab/ambient/entropy';
import { concat, fromHex, toHex, utf8 } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import model from '../test/vectors/model.json' with { type: 'json' };
import { fromBigEndian, toBigEndian } from './integer.ts';
import {
  generateKeyPair,
  isOnCurve,
  keyPairFromScalar,
  P384_ORDER,
  type Point,
  sharedSecret,
  signEcdsa,
  uncheckedSecret,
  verifyEcdsa,
} from './p384.ts';

/** Hands out these draws, then fails. */
function scripted(...draws: Uint8Array[]): Entropy {
  const left = [...draws];
  return {
    state: { name: 'scripted', draws: 0 },
    bytes: (length) => {
      const next = left.shift();
      if (next?.length !== length) throw new Error(`no draw of ${length} bytes left`);
      return next;
    },
  };
}

const scalar = (value: bigint): Uint8Array => toBigEndian(value, 48);
const FIELD = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;

describe('keys', () => {
  test('public points of the model', () => {
    const { pdh_priv, pdh_x, pdh_y, godh_priv, godh_x, godh_y } = model.ecdh;
    const pdh = keyPairFromScalar(fromHex(pdh_priv));
    const godh = keyPairFromScalar(fromHex(godh_priv));
    expect([pdh.x, pdh.y, godh.x, godh.y].map(toHex)).toEqual([pdh_x, pdh_y, godh_x, godh_y]);
  });

  test('both sides agree on the secret of the model, big endian', () => {
    const pdh = keyPairFromScalar(fromHex(model.ecdh.pdh_priv));
    const godh = keyPairFromScalar(fromHex(model.ecdh.godh_priv));
    expect(toHex(sharedSecret(pdh.d, godh))).toBe(model.ecdh.z_be);
    expect(toHex(sharedSecret(godh.d, pdh))).toBe(model.ecdh.z_be);
  });

  test('without a look at the curve the secret is the same for points of the curve', () => {
    const pdh = keyPairFromScalar(fromHex(model.ecdh.pdh_priv));
    const godh = keyPairFromScalar(fromHex(model.ecdh.godh_priv));
    expect(toHex(uncheckedSecret(pdh.d, godh))).toBe(model.ecdh.z_be);
    expect(toHex(uncheckedSecret(godh.d, pdh))).toBe(model.ecdh.z_be);
    expect(uncheckedSecret(scalar(P384_ORDER), godh)).toEqual(scalar(0n)); // the point at infinity
  });

  test('a point of order 2 tells whether a private scalar is odd, unless somebody looks at the curve', () => {
    const point = { x: scalar(5n), y: scalar(0n) };
    expect([1n, 2n, 7n, 8n].map((d) => uncheckedSecret(scalar(d), point))).toEqual(
      [5n, 0n, 5n, 0n].map(scalar),
    );
    expect(() => sharedSecret(scalar(7n), point)).toThrow();
  });

  test('a shared secret keeps its leading zero byte', () => {
    // 197 is the smallest k for which the X coordinate of k times the generator starts with a zero byte.
    const generator = keyPairFromScalar(scalar(1n));
    const secret = sharedSecret(scalar(197n), generator);
    expect(secret).toEqual(keyPairFromScalar(scalar(197n)).x);
    expect([secret.length, secret[0]]).toEqual([48, 0]);
  });

  test('generation rejects 0, n and above, then takes the next draw', () => {
    const good = scalar(P384_ORDER - 1n);
    const pair = generateKeyPair(
      scripted(scalar(0n), scalar(P384_ORDER), new Uint8Array(48).fill(0xff), good),
    );
    expect(pair.d).toEqual(good);
    expect(isOnCurve(pair)).toBe(true);
  });

  test.each([0n, P384_ORDER, 2n ** 384n - 1n])('scalar %s is refused', (value) => {
    expect(() => keyPairFromScalar(scalar(value))).toThrow('not valid for specified curve');
  });
});

describe('isOnCurve', () => {
  const point = keyPairFromScalar(scalar(7n));
  const offCurve: [string, Point][] = [
    ['y + 1', { x: point.x, y: scalar(fromBigEndian(point.y) + 1n) }],
    ['coordinates swapped', { x: point.y, y: point.x }],
    ['coordinates reversed', { x: point.x.toReversed(), y: point.y.toReversed() }],
    ['zero', { x: scalar(0n), y: scalar(0n) }],
    ['short coordinate', { x: point.x.subarray(1), y: point.y }],
  ];

  test('the point and its negative', () => {
    expect(isOnCurve(point)).toBe(true);
    expect(isOnCurve({ x: point.x, y: scalar(FIELD - fromBigEndian(point.y)) })).toBe(true);
  });

  test.each(offCurve)('%s is off the curve, and no secret is shared with it', (_, wrong) => {
    expect(isOnCurve(wrong)).toBe(false);
    expect(() => sharedSecret(scalar(3n), wrong)).toThrow();
  });

  test('a coordinate of p or more is refused even where its residue would do', () => {
    // x = 0 is on the curve where b is a square; its y is found by exponentiation, as p = 3 mod 4.
    const b =
      0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn;
    let y = 1n;
    for (let e = (FIELD + 1n) / 4n, base = b; e > 0n; e >>= 1n, base = (base * base) % FIELD) {
      if (e & 1n) y = (y * base) % FIELD;
    }
    expect(isOnCurve({ x: scalar(0n), y: scalar(y) })).toBe(true);
    expect(isOnCurve({ x: scalar(FIELD), y: scalar(y) })).toBe(false);
  });
});

describe('ECDSA', () => {
  const message = utf8('sample');
  // RFC 6979, A.2.6: P-384 with SHA-256, "sample".
  const rfc = {
    d: '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    k: '180ae9f9aec5438a44bc159a1fcb277c7be54fa20e7cf404b490650a8acc414e375572342863c899f9f2edf9747a9b60',
    r: '21b13d1e013c7fa1392d03c5f99af8b30c570c6f98d4ea8e354b63a21d3daa33bde1e888e63355d92fa2b3c36d8fb2cd',
    s: 'f3aa443fb107745bf4bd77cb3891674632068a10ca67e3d45db2266fa7d1feebefdc63eccd1ac42ec0cb8668a4fa0ab0',
  };

  test('RFC 6979, with its k', () => {
    const { r, s } = signEcdsa(fromHex(rfc.d), message, scripted(fromHex(rfc.k)));
    expect({ r: toHex(r), s: toHex(s) }).toEqual({ r: rfc.r, s: rfc.s });
  });

  test('node:crypto accepts the signatures, and the same stream gives the same ones', () => {
    for (const seed of ['1', '2', '3', '4', '5', '6', '7', '8']) {
      const sign = () => {
        const entropy = seededEntropy(seed, 'signer');
        const pair = generateKeyPair(entropy);
        return { pair, signature: signEcdsa(pair.d, message, entropy) };
      };
      const { pair, signature } = sign();
      expect(sign()).toEqual({ pair, signature });
      const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
      const jwk = { kty: 'EC', crv: 'P-384', x: base64url(pair.x), y: base64url(pair.y) };
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const both = concat(signature.r, signature.s);
      expect(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, both)).toBe(true);
    }
  });

  test('k is never 0 or n', () => {
    const signature = signEcdsa(
      fromHex(rfc.d),
      message,
      scripted(scalar(0n), scalar(P384_ORDER), fromHex(rfc.k)),
    );
    expect(toHex(signature.r)).toBe(rfc.r);
  });

  test.each(['sha256', 'sha384'] as const)('verifies what node:crypto signed with %s', (hash) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const jwk = privateKey.export({ format: 'jwk' });
    const point = keyPairFromScalar(new Uint8Array(Buffer.from(jwk.d ?? '', 'base64url')));
    const both = new Uint8Array(
      createSign(hash).update(message).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' }),
    );
    const signature = { r: both.slice(0, 48), s: both.slice(48) };
    expect(verifyEcdsa(point, message, signature, hash)).toBe(true);
    expect(verifyEcdsa(point, message, signature, hash === 'sha256' ? 'sha384' : 'sha256')).toBe(false);
    expect(verifyEcdsa(point, utf8('simple'), signature, hash)).toBe(false);
  });

  test('r and s outside 1 to n-1, and points off the curve, are false', () => {
    const point = keyPairFromScalar(fromHex(rfc.d));
    const r = fromHex(rfc.r);
    const s = fromHex(rfc.s);
    expect(verifyEcdsa(point, message, { r, s })).toBe(true);
    for (const out of [scalar(0n), scalar(P384_ORDER), new Uint8Array(48).fill(0xff)]) {
      expect(verifyEcdsa(point, message, { r: out, s })).toBe(false);
      expect(verifyEcdsa(point, message, { r, s: out })).toBe(false);
    }
    expect(verifyEcdsa({ x: point.y, y: point.x }, message, { r, s })).toBe(false);
    const both = concat(r, s);
    expect(verifyEcdsa(point, message, { r: both.slice(0, 47), s: both.slice(47) })).toBe(false);
  });
});
