import { startHost } from '@sevlab/testing';
import '@sevlab/testing/vitest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isMeasured, openSession, seal } from '../src/broker.js';

const LUKS = '736869e5-84f0-4973-92ec-06879ce3da0b';
const POLICY = 0x3; // no debugger, no shared key

const host = startHost({ policy: ['NODBG', 'NOKS'], platform: { part: 'genoa' }, linux: '6.12' });
beforeEach(() => host.reset());
afterEach(() => host.done());

/** The broker's part up to the packet, by a host that behaves. */
function attested() {
  const keys = openSession(host.exportChain(), POLICY);
  const paused = host.launch(keys);
  expect(isMeasured(keys, host.firmware, paused.measurement, paused.querySev())).toBe(true);
  return { keys, paused };
}

test('a secret reaches the guest, and nobody else', () => {
  const { keys, paused } = attested();
  const packet = seal(keys, paused.measurement, { [LUKS]: 'correct horse' });
  expect(paused.inject(packet)).toHaveStatus('SUCCESS');
  const guest = paused.start();
  expect(guest).toHaveSecret(LUKS, 'correct horse');
  expect(guest.hostFinds('correct horse')).toBe(false);
  guest.run(`rm /sys/kernel/security/secrets/coco/${LUKS}`);
  expect(guest).toHaveWiped(LUKS);
});

test('a packet that was changed on its way is refused', () => {
  host.expects({ type: 'status', name: 'LAUNCH_SECRET', status: 'BAD_MEASUREMENT' });
  const { keys, paused } = attested();
  const { header, payload } = seal(keys, paused.measurement, { [LUKS]: 'correct horse' });
  payload[0]! ^= 1;
  expect(paused.inject({ header, payload })).toHaveStatus('BAD_MEASUREMENT');
});

test('a packet for another launch is refused', () => {
  const { keys, paused } = attested();
  const packet = seal(keys, new Uint8Array(48), { [LUKS]: 'correct horse' });
  expect(paused.inject(packet)).toHaveStatus('BAD_MEASUREMENT');
});

test('the broker sees that the firmware is not its own', () => {
  host.attack({ image: { offset: 0, hex: 'ff' } });
  const keys = openSession(host.exportChain(), POLICY);
  const paused = host.launch(keys);
  expect(isMeasured(keys, host.firmware, paused.measurement, paused.querySev())).toBe(false);
});

test('a host cannot launch with a weaker policy', () => {
  host.attack({ policy: [] });
  const keys = openSession(host.exportChain(), POLICY);
  expect(() => host.launch(keys)).toThrow(/BAD_MEASUREMENT/);
});
