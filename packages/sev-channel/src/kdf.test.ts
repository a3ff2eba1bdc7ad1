import { fromHex, toHex } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import model from '../test/vectors/model.json' with { type: 'json' };
import { kdf } from './kdf.ts';

const none = new Uint8Array(0);

describe('key derivation against the model', () => {
  const z = fromHex(model.ecdh.z_be);
  const nonce = fromHex(model.session.nonce);

  test('master secret, KEK and KIK', () => {
    const master = kdf(z, 16, 'sev-master-secret', nonce);
    expect(toHex(master)).toBe(model.session.master_secret);
    expect(toHex(kdf(master, 16, 'sev-kek', none))).toBe(model.session.kek);
    expect(toHex(kdf(master, 16, 'sev-kik', none))).toBe(model.session.kik);
  });

  test('a little-endian shared secret gives the other master secret', () => {
    const master = kdf(z.toReversed(), 16, 'sev-master-secret', nonce);
    expect(toHex(master)).toBe(model.session.wrong_if_z_little_endian_master);
  });

  test('56 bytes take two blocks', () => {
    const { key, label, out } = model.kdf_two_blocks;
    expect(toHex(kdf(fromHex(key), 56, label, none))).toBe(out);
  });

  test('the length is part of what is derived: a shorter output is no prefix', () => {
    const { key, label, out } = model.kdf_two_blocks;
    expect(out.startsWith(toHex(kdf(fromHex(key), 16, label, none)))).toBe(false);
  });
});
