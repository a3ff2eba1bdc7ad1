import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { launch, startHost } from '@sevlab/testing';
import { isMeasured, openSession, seal } from '../src/broker.js';

const LUKS = '736869e5-84f0-4973-92ec-06879ce3da0b';
const host = startHost({ policy: ['NODBG'] });
beforeEach(() => host.reset());
afterEach(() => host.done());

test('a secret of the broker is a file in the guest', () => {
  const keys = openSession(host.exportChain(), 0x1);
  const paused = host.launch(keys);
  assert.ok(isMeasured(keys, host.firmware, paused.measurement, paused.querySev()));
  const packet = seal(keys, paused.measurement, { [LUKS]: 'open sesame' });
  assert.deepEqual(paused.inject(packet), { status: 'SUCCESS' });
  const guest = paused.start();
  assert.equal(Buffer.from(guest.readSecret(LUKS)).toString(), 'open sesame');
  assert.match(
    guest.run(`cat /sys/kernel/security/secrets/coco/${LUKS}`, { as: 'user' }).output,
    /Permission denied/,
  );
});

test('with the guest owner of sevlab it is one call', () => {
  const guest = launch({ secrets: { [LUKS]: 'open sesame' } });
  assert.equal(guest.run(`cat /sys/kernel/security/secrets/coco/${LUKS}`).output, 'open sesame');
});
