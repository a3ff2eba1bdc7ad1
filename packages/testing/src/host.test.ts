import { createHash } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { toBase64, utf8 } from '@sevlab/codec/bytes';
import { parseGuid } from '@sevlab/codec/guid';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { acceptLaunch } from '@sevlab/guest-owner-sim/accepted-launch';
import { makeSession, type SessionKeys } from '@sevlab/guest-owner-sim/make-session';
import { expect, it } from 'vitest';
import { type Host, LaunchRefused, type PausedGuest, startHost } from './index.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';

/** A guest owner's keys for a policy, from what the host passes on. */
function sessionFor(host: Host, policy: number): SessionKeys {
  const { pubkey } = SevCertificate.decodeAt(host.exportChain(), 0);
  const coordinate = (at: number) => pubkey.slice(at, at + 48).reverse();
  return makeSession({ x: coordinate(4), y: coordinate(0x4c) }, policy, seededEntropy('owner', 'owner'));
}

/** A packet with one secret, from an owner that verified the launch. */
function packetFor(host: Host, paused: PausedGuest, keys: SessionKeys, text: string) {
  const { policy, ...report } = paused.querySev();
  const version = {
    ...{ apiMajor: report['api-major'], apiMinor: report['api-minor'], build: report['build-id'] },
  };
  const digest = createHash('sha256').update(host.firmware).digest();
  const accepted = acceptLaunch(keys, { version, policy, digest }, paused.measurement);
  if (accepted === undefined) throw new Error('the measurement is not that of the launch');
  const secrets = [{ guid: parseGuid(GUID), data: utf8(text) }];
  const { header, data } = accepted.sealTable(secrets, { tail: 'sevctl', iv: new Uint8Array(16) });
  return { header, payload: data };
}

const refusal = (act: () => unknown): LaunchRefused => {
  try {
    act();
  } catch (error) {
    if (error instanceof LaunchRefused) return error;
    throw error;
  }
  throw new Error('nobody refused');
};

it.each([
  ['raw, as sev-tool has them', (bytes: Uint8Array) => bytes],
  ['in base64, as sevctl has them', toBase64],
])('takes files %s', (_, file) => {
  const host = startHost({ policy: ['NODBG'] });
  const keys = sessionFor(host, 1);
  const paused = host.launch({ godh: file(keys.godh), session: file(keys.session) });
  const { header, payload } = packetFor(host, paused, keys, 'open sesame');
  expect(paused.inject({ header: file(header), payload: file(payload) })).toEqual({ status: 'SUCCESS' });
  const guest = paused.start();
  expect(new TextDecoder().decode(guest.readSecret(GUID))).toBe('open sesame');
  expect(guest.listSecrets()).toEqual([GUID]);
});

it('exports certificates as sevctl does, six behind one another', () => {
  const host = startHost();
  const { pdh, ark } = host.certificates();
  const chain = host.exportChain();
  expect(chain).toHaveLength(4 * 0x824 + 2 * 1600);
  expect(chain.slice(0, 0x824)).toEqual(pdh);
  expect(chain.slice(-1600)).toEqual(ark);
});

it('says why the AMD-SP refuses', () => {
  const host = startHost({ policy: ['NODBG', 'NOKS'] });
  const other = sessionFor(host, 1);
  const refused = refusal(() => host.launch(other));
  expect(refused).toMatchObject({ step: 'launch', status: 'BAD_MEASUREMENT' });
  expect(refused.message).toMatch(/POLICY_MAC is that of policy 0x1 instead of 0x3/);

  host.reset();
  const cut = { ...sessionFor(host, 3), session: new Uint8Array(127) };
  expect(refusal(() => host.launch(cut)).status).toBe('INVALID_LENGTH');
  expect(() => host.launch({ ...cut, session: 'no base64!' })).toThrow(
    'session: expected bytes, or text in base64, got 10 letters that are none',
  );
});

it('a launch without a session takes nobody’s packet', () => {
  const host = startHost();
  const answer = host.launch().inject({ header: new Uint8Array(52), payload: new Uint8Array(16) });
  expect(answer.status).toBe('BAD_MEASUREMENT');
  expect(answer.cause).toMatch(/launched without a session/);
});

it('injects where it is told, if there is memory', () => {
  const host = startHost({ policy: ['NODBG'] });
  const keys = sessionFor(host, 1);
  const paused = host.launch(keys);
  const packet = packetFor(host, paused, keys, 'open sesame');
  expect(refusal(() => paused.inject(packet, { gpa: '0x7fff00000000' })).step).toBe('inject');
  expect(paused.inject(packet, { gpa: '0x820000' }).status).toBe('SUCCESS');
  expect(paused.start().listSecrets()).toEqual([]);
});

it('is hostile on demand: a fault must strike, an attack has its turn', () => {
  const flip = { packet: { part: 'data', bit: 3 } } as const;
  const host = startHost({ policy: ['NODBG'], faults: [{ name: 'bit flip', at: 'inject', attack: flip }] });
  const keys = sessionFor(host, 1);
  const paused = host.launch(keys);
  expect(() => host.done()).toThrow('expected every fault to strike, and bit flip did not');
  expect(paused.inject(packetFor(host, paused, keys, 'open sesame')).status).toBe('BAD_MEASUREMENT');
  host.done();

  host.reset();
  host.attack({ policy: [] });
  expect(refusal(() => host.launch(sessionFor(host, 1))).status).toBe('BAD_MEASUREMENT');
  host.reset();
  expect(host.launch(sessionFor(host, 1)).querySev().policy).toBe(1);
});

it('done() fails for what never came, or came in another order, and names what is nearest', () => {
  const host = startHost();
  host.expects({ type: 'status', name: 'LAUNCH_START', status: 'SUCCESS' });
  host.expects({ type: 'status', name: 'LAUNCH_MEASURE', status: 'BAD_MEASUREMENT' });
  host.launch();
  expect(() => host.done()).toThrow(
    /expected \{"type":"status","name":"LAUNCH_MEASURE","status":"BAD_MEASUREMENT"\}, got no such event behind event \d+, which is number 1 of these; nearest is \{"type":"status","name":"LAUNCH_MEASURE","status":"SUCCESS"\}/,
  );
  host.reset();
  host.done();
  host.expects({ type: 'command', name: 'LAUNCH_MEASURE' });
  host.expects({ type: 'command', name: 'LAUNCH_START' });
  host.launch();
  expect(() => host.done()).toThrow(/"name":"LAUNCH_START"/);
});

it('an expectation is for what is to come', () => {
  const host = startHost();
  host.launch();
  host.expects({ type: 'command', name: 'LAUNCH_START' });
  expect(() => host.done()).toThrow('no such event');
  const early = startHost({ expects: [{ type: 'command', name: 'INIT' }] });
  early.done();
});
