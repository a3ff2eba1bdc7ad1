import { toHex } from '@sevlab/codec/bytes';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { sharedSecret } from '@sevlab/sev-channel/p384';
import { policyMac, unwrapSession } from '@sevlab/sev-channel/session';
import { describe, expect, test } from 'vitest';
import { makeOwner, makePlatform, spoil } from '../test/platform.ts';
import type { GuestOwner } from './guest-owner.ts';
import type { Offer } from './offer.ts';
import type { CertificateFiles } from './verify-platform.ts';

const { files, pdh, unsignedCek } = makePlatform('a');
const other = makePlatform('b').files;

function accept(owner: GuestOwner): Offer {
  const verdict = owner.offer(files);
  if (!verdict.accepted) throw new Error(verdict.reason);
  return verdict.value;
}

describe('a platform is refused, with the link that is broken', () => {
  const SIG1 = 0x41c;
  const SIG2 = 0x624;

  function expectRefusal(owner: GuestOwner, change: Partial<CertificateFiles>, reason: RegExp): void {
    expect(owner.offer({ ...files, ...change })).toEqual({
      accepted: false,
      reason: expect.stringMatching(reason),
    });
    expect(owner.state.sessions).toEqual([]);
    expect(owner.state.entropy.draws).toBe(0);
    expect(owner.observer.events.map(({ type }) => type)).toEqual(['message', 'verdict']);
  }

  test.each<[RegExp, Partial<CertificateFiles>]>([
    [/^ARK: expected the trusted root/, { ark: spoil(files.ark, -1) }],
    [/^ASK signed by ARK: /, { ask: spoil(files.ask, -1) }],
    [/^CEK signed by ASK: /, { cek: unsignedCek }],
    [/^CEK signed by ASK: /, { cek: spoil(files.cek, SIG1) }],
    [/^CEK signed by ASK: expected PUBKEY_USAGE 0x1004, got 0x1001/, { cek: files.oca }],
    [/^OCA signed by itself: /, { oca: spoil(files.oca, SIG1) }],
    [/^PEK signed by OCA: /, { pek: spoil(files.pek, SIG1) }],
    [/^PEK signed by OCA: /, { oca: other.oca }],
    [/^PEK signed by CEK: /, { pek: spoil(files.pek, SIG2) }],
    [/^PEK signed by CEK: /, { cek: other.cek }],
    [/^PDH signed by PEK: /, { pdh: spoil(files.pdh, SIG1) }],
    [/^PDH signed by PEK: /, { pdh: spoil(files.pdh, 0x14) }],
    [/^PDH signed by PEK: /, { pdh: other.pdh }],
  ])('%s', (reason, change) => {
    expectRefusal(makeOwner(), change, reason);
  });

  test('a root that the owner trusts must still have signed itself', () => {
    const ark = spoil(files.ark, -1);
    expectRefusal(makeOwner({ trustedArk: ark }), { ark }, /^ARK signed by itself: /);
  });

  test.each(['ark', 'ask', 'cek', 'oca', 'pek', 'pdh'] as const)('malformed: %s', (name) => {
    const file = files[name];
    const reason = new RegExp(`^${name.toUpperCase()}: .*expected .*got `);
    for (const wrong of [new Uint8Array(0), file.subarray(0, -1), new Uint8Array(file.length + 1)])
      expectRefusal(makeOwner(), { [name]: wrong }, reason);
  });

  test('an AMD certificate of 1024 bits', () => {
    const head = files.ark.slice(0, 64 + 3 * 128);
    new DataView(head.buffer).setUint32(0x38, 1024, true);
    new DataView(head.buffer).setUint32(0x3c, 1024, true);
    expectRefusal(makeOwner(), { ark: head }, /^ARK: .*expected 2048 or 4096 bits/);
  });
});

describe('an offer', () => {
  test('unwraps with the private half of the PDH, and with no other key', () => {
    const owner = makeOwner({ policy: 0x3701_0001 });
    const { godh, session } = accept(owner);
    const certificate = SevCertificate.decode(godh);
    expect(certificate).toMatchObject({
      version: 1,
      pubkeyUsage: KEY_USAGE.PDH,
      pubkeyAlgo: KEY_ALGO.ECDH_SHA256,
      sig1Usage: KEY_USAGE.NONE,
      sig2Usage: KEY_USAGE.NONE,
    });
    const wrapped = LaunchSession.decode(session);
    const point = decodePoint(certificate.pubkey)!;
    const [made] = owner.state.sessions;
    expect(unwrapSession(sharedSecret(pdh.d, point), wrapped)).toEqual({ tek: made?.tek, tik: made?.tik });
    expect(wrapped.policyMac).toEqual(policyMac(made!.tik, 0x3701_0001));
    expect(unwrapSession(sharedSecret(makePlatform('b').pdh.d, point), wrapped)).toBeUndefined();
  });

  test('is another one each time: nothing that is drawn comes twice', () => {
    const owner = makeOwner();
    const offers = [accept(owner), accept(owner)];
    const [first, second] = offers.map(({ session }) => LaunchSession.decode(session));
    expect(first!.nonce).not.toEqual(second!.nonce);
    expect(first!.wrapIv).not.toEqual(second!.wrapIv);
    expect(offers[0]!.godh).not.toEqual(offers[1]!.godh);
    const keys = owner.state.sessions.flatMap(({ tek, tik }) => [toHex(tek), toHex(tik)]);
    expect(new Set(keys).size).toBe(4);
  });

  test('of a fork is the one that the parent makes next, and neither sees the other', () => {
    const owner = makeOwner();
    accept(owner);
    const fork = owner.fork(owner.observer.fork());
    expect(accept(fork).session).toEqual(accept(owner).session);
    accept(fork);
    expect(owner.state.sessions).toHaveLength(2);
    fork.state.sessions[0]!.spent = true;
    expect(owner.state.sessions[0]!.spent).toBe(false);
  });

  test('shows its keys to nobody: they are closed, and nowhere else in what is recorded', () => {
    const owner = makeOwner();
    accept(owner);
    const { tek, tik } = owner.state.sessions[0]!;
    const { events } = owner.observer;
    expect(events.map(({ actor, to, type }) => [actor, to, type])).toEqual([
      ['host', 'guest-owner', 'message'],
      ['guest-owner', 'guest-owner', 'verdict'],
      ['guest-owner', 'host', 'message'],
    ]);
    expect(events[2]!.closed).toEqual({ tek, tik });
    const shown = events.map(({ closed: _, open = {}, ...rest }) =>
      JSON.stringify([rest, Object.values(open).map(toHex)]),
    );
    for (const key of [tek, tik]) expect(shown.join()).not.toContain(toHex(key));
  });

  test('can verify and nothing else: there is no way to a packet before', () => {
    const offer = accept(makeOwner());
    // @ts-expect-error An offer cannot seal secrets.
    expect(offer.packSecrets).toBeUndefined();
    // @ts-expect-error An owner cannot either.
    expect(makeOwner().packSecrets).toBeUndefined();
  });
});
