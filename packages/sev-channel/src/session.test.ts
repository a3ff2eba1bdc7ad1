import { concat, fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { describe, expect, test } from 'vitest';
import model from '../test/vectors/model.json' with { type: 'json' };
import sevTool from '../test/vectors/sev-tool-launch-blob.json' with { type: 'json' };
import sevctl from '../test/vectors/sevctl-session.json' with { type: 'json' };
import { decodePoint, isSound } from './certificate.ts';
import { macEqual } from './mac.ts';
import { keyPairFromScalar, sharedSecret } from './p384.ts';
import { deriveSessionKeys, policyMac, unwrapSession, wrapSession } from './session.ts';

/** Sessions that other programs wrapped for platforms whose private keys are known. */
const sessions = [
  ...sevctl.cases.map((c) => ({
    name: `sevctl ${c.platform} policy ${c.policy_argument}`,
    scalar: c.pdh_private_scalar_hex,
    godh: c['godh.b64'],
    session: c['session.b64'],
    keys: c['tek.bin'] + c['tik.bin'],
    policyInMac: Number(c.policy_in_mac[0]),
    policyMeant: Number(c.policy_argument),
    derived: c.derived,
  })),
  ...sevTool.cases.map((c) => ({
    name: `sev-tool ${c.platform} policy ${c.argument}`,
    scalar: c.pdh_private_scalar_hex,
    godh: c['godh.cert'],
    session: c['launch_blob.bin'],
    keys: c['tmp_tk.bin'],
    policyInMac: c.policy_in_the_mac,
    policyMeant: c.policy_meant,
    derived: c.derived,
  })),
];

describe.each(sessions)('$name', ({ scalar, godh, session, keys, policyInMac, policyMeant, derived }) => {
  const godhCertificate = SevCertificate.decode(fromBase64(godh));
  const z = sharedSecret(fromHex(scalar), decodePoint(godhCertificate.pubkey)!);
  const wrapped = LaunchSession.decode(fromBase64(session));

  test('the platform derives the keys and unwraps TEK and TIK', () => {
    expect(isSound(godhCertificate)).toBe(true);
    const { kek, kik } = deriveSessionKeys(z, wrapped.nonce);
    expect([z, kek, kik].map(toHex)).toEqual([derived.z, derived.kek, derived.kik]);
    const { tek, tik } = unwrapSession(z, wrapped)!;
    expect(toHex(concat(tek, tik))).toBe(keys);
  });

  test('POLICY_MAC holds for the policy that the program authenticated, not for the one it should have', () => {
    const { tik } = unwrapSession(z, wrapped)!;
    expect(macEqual(policyMac(tik, policyInMac), wrapped.policyMac)).toBe(true);
    expect(macEqual(policyMac(tik, policyMeant), wrapped.policyMac)).toBe(policyMeant === policyInMac);
  });

  test('we wrap the same keys to the same bytes', () => {
    const tek = fromHex(keys.slice(0, 32));
    const tik = fromHex(keys.slice(32));
    const { nonce, wrapIv } = wrapped;
    const again = wrapSession({ z, nonce, wrapIv, tek, tik, policy: policyInMac });
    expect(LaunchSession.encode(again)).toEqual(fromBase64(session));
  });
});

test.each(sevTool.cases)(
  '$platform, policy $argument: the certificate holds the point of the scalar',
  (c) => {
    const { x, y } = keyPairFromScalar(fromHex(c.pdh_private_scalar_hex));
    expect(decodePoint(SevCertificate.decode(fromBase64(c['pdh.cert'])).pubkey)).toEqual({ x, y });
  },
);

describe('the model session', () => {
  const z = fromHex(model.ecdh.z_be);
  const { nonce, wrap_iv, tek, tik, blob, policy_mac } = model.session;
  const policy = Number.parseInt(model.session.policy, 16);
  const wrap = () =>
    wrapSession({
      z,
      nonce: fromHex(nonce),
      wrapIv: fromHex(wrap_iv),
      tek: fromHex(tek),
      tik: fromHex(tik),
      policy,
    });

  test('wraps to the 128 bytes', () => {
    expect(toHex(LaunchSession.encode(wrap()))).toBe(blob);
  });

  test('a big-endian policy has another MAC', () => {
    expect(toHex(policyMac(fromHex(tik), policy))).toBe(policy_mac);
    expect(toHex(policyMac(fromHex(tik), 0x05000137))).not.toBe(policy_mac);
  });

  test('a little-endian shared secret does not unwrap it', () => {
    expect(unwrapSession(z.toReversed(), wrap())).toBeUndefined();
  });

  test('WRAP_MAC does not cover WRAP_IV: other keys come out, and POLICY_MAC tells', () => {
    const session = { ...wrap(), wrapIv: new Uint8Array(16) };
    const keys = unwrapSession(z, session)!;
    expect(toHex(keys.tik)).not.toBe(tik);
    expect(macEqual(policyMac(keys.tik, policy), session.policyMac)).toBe(false);
  });
});

test('macEqual', () => {
  expect(macEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(macEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(macEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
});
