import { createHash, createHmac } from 'node:crypto';
import { concat, fromHex, toHex } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import { makeOwner, spoil } from '../test/platform.ts';
import known from '../test/vectors/launch.json' with { type: 'json' };
import { Offer } from './offer.ts';

const { api_major: apiMajor, api_minor: apiMinor, build } = known.measure;
const VERSION = { apiMajor, apiMinor, build };
const TIK = fromHex(known.session.tik);
const MEASUREMENT = fromHex(known.measure.output48);
const POLICY = Number.parseInt(known.session.policy, 16);
/** What the launch of the known answers measured: 4096 bytes of 41h, then a VMSA of bytes 7·i. */
const IMAGE = concat(
  new Uint8Array(4096).fill(0x41),
  Uint8Array.from({ length: 4096 }, (_, i) => 7 * i),
);

/** An owner in the middle of the launch of the known answers. */
function midLaunch({ policy = POLICY, image = IMAGE } = {}) {
  const owner = makeOwner({ policy, launch: { image } });
  owner.state.sessions.push({
    tek: fromHex(known.session.tek),
    tik: TIK,
    spent: false,
    measure: undefined,
  });
  return { owner, offer: new Offer(owner, 0, new Uint8Array(0), new Uint8Array(0)) };
}

test('the launch of the known answers is accepted', () => {
  const { owner, offer } = midLaunch();
  expect(toHex(createHash('sha256').update(IMAGE).digest())).toBe(known.measure.launch_digest);
  expect(offer.verify(MEASUREMENT, VERSION).accepted).toBe(true);
  expect(owner.state.sessions[0]).toMatchObject({ spent: true, measure: MEASUREMENT.slice(0, 32) });
});

describe('refused: it does not match', () => {
  const mismatch = /^the measurement does not match; expected that of launch digest [0-9a-f]{64}, .*got/;

  test.each([
    ['MEASURE', spoil(MEASUREMENT, 0), VERSION, {}],
    ['MNONCE', spoil(MEASUREMENT, 47), VERSION, {}],
    ['API_MAJOR', MEASUREMENT, { ...VERSION, apiMajor: apiMajor + 1 }, {}],
    ['API_MINOR', MEASUREMENT, { ...VERSION, apiMinor: apiMinor - 1 }, {}],
    ['BUILD', MEASUREMENT, { ...VERSION, build: build + 1 }, {}],
    ['policy', MEASUREMENT, VERSION, { policy: POLICY & ~1 }],
    ['image', MEASUREMENT, VERSION, { image: spoil(IMAGE, 5000) }],
    ['length of the image', MEASUREMENT, VERSION, { image: IMAGE.subarray(0, 4096) }],
  ])('another %s', (_, measurement, version, intent) => {
    const { owner, offer } = midLaunch(intent);
    expect(offer.verify(measurement, version)).toEqual({
      accepted: false,
      reason: expect.stringMatching(mismatch),
    });
    expect(owner.state.sessions[0]).toMatchObject({ spent: true, measure: undefined });
  });

  test('under the TIK of another session', () => {
    const { owner, offer } = midLaunch();
    const message = Uint8Array.of(4, apiMajor, apiMinor, build, 5, 0, 1, 0x37);
    const digest = fromHex(known.measure.launch_digest);
    const mnonce = MEASUREMENT.slice(32);
    const mac = (tik: Uint8Array) =>
      new Uint8Array(
        createHmac('sha256', tik)
          .update(concat(message, digest, mnonce))
          .digest(),
      );
    expect(toHex(concat(mac(TIK), mnonce))).toBe(known.measure.output48);
    expect(offer.verify(concat(mac(new Uint8Array(16)), mnonce), VERSION).accepted).toBe(false);
    expect(owner.state.sessions[0]?.measure).toBeUndefined();
  });
});

test.each([0, 32, 47, 49])('refused: %i bytes are no measurement', (length) => {
  const reason = `expected a measurement of 48 bytes, got ${length}`;
  const measurement = concat(MEASUREMENT, Uint8Array.of(0)).slice(0, length);
  expect(midLaunch().offer.verify(measurement, VERSION)).toEqual({ accepted: false, reason });
});

describe('a session is good for one launch', () => {
  const replay = { accepted: false, reason: expect.stringMatching(/already gave a measurement.*replays/) };

  test.each([
    ['a good measurement', MEASUREMENT],
    ['a bad one', spoil(MEASUREMENT, 0)],
    ['one of the wrong length', new Uint8Array(32)],
  ])('spent by %s', (_, first) => {
    const { offer } = midLaunch();
    offer.verify(first, VERSION);
    expect(offer.verify(MEASUREMENT, VERSION)).toEqual(replay);
  });

  test('in a fork too, and a fork spends only its own', () => {
    const { owner, offer } = midLaunch();
    const fork = owner.fork(owner.observer.fork());
    expect(offer.fork(fork).verify(MEASUREMENT, VERSION).accepted).toBe(true);
    expect(offer.verify(MEASUREMENT, VERSION).accepted).toBe(true);
    expect(offer.fork(owner.fork(owner.observer.fork())).verify(MEASUREMENT, VERSION)).toEqual(replay);
  });

  test('and does not spend another one of the same owner', () => {
    const { owner, offer } = midLaunch();
    owner.state.sessions.push({ tek: new Uint8Array(16), tik: TIK, spent: false, measure: undefined });
    const second = new Offer(owner, 1, new Uint8Array(0), new Uint8Array(0));
    offer.verify(spoil(MEASUREMENT, 0), VERSION);
    expect(second.verify(MEASUREMENT, VERSION).accepted).toBe(true);
  });
});

test('the verdict is recorded, and holds no key', () => {
  const { owner, offer } = midLaunch();
  offer.verify(MEASUREMENT, VERSION);
  const [message, verdict] = owner.observer.events;
  expect(message).toMatchObject({ name: 'measurement', actor: 'host', open: { measurement: MEASUREMENT } });
  expect(verdict).toMatchObject({ type: 'verdict', name: 'measurement', accepted: true });
  expect(JSON.stringify(verdict)).not.toContain(known.session.tik);
});
