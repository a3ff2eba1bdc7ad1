import type { Actor } from '@sevlab/codec/trace';
import { expect, test } from 'vitest';
import { access, type Given, recorded, trace } from '../test/events.ts';
import { canRead, readersOf } from './readers.ts';

const some = { x: Uint8Array.of(1) };
const GUEST: Actor[] = ['firmware', 'kernel', 'user'];

const closed = (event: Given) => readersOf(trace({ ...event, closed: some })[0]!).closed;
const open = (event: Given) => readersOf(trace({ ...event, open: some })[0]!).open;

test.each([
  ['transport keys', { type: 'message', name: 'session', actor: 'guest-owner' }, ['guest-owner', 'amd-sp']],
  ['secrets', { type: 'message', name: 'packet', actor: 'guest-owner' }, ['guest-owner', 'amd-sp', ...GUEST]],
  ['a memory key', { type: 'key', asid: 1, installed: true, actor: 'amd-sp' }, ['amd-sp']],
  [
    'what a process read',
    { type: 'syscall', name: 'read', path: '/', result: 1, actor: 'user' },
    ['kernel', 'user'],
  ],
] as const)('%s: who has it in the clear', (_, event, readers) => {
  expect(closed(event)).toEqual(readers);
});

test('private memory is plaintext to the guest and ciphertext to the host', () => {
  const write = access('kernel', 'write', '0x1000', 16, { view: 'private', asid: 1 });
  expect(closed(write)).toEqual(['amd-sp', ...GUEST]);
  expect(open(write)).toEqual(['host', 'amd-sp']);
});

test('shared memory is plaintext to guest, host and disk', () => {
  const write = access('kernel', 'write', '0x1000', 16, { view: 'shared' });
  expect(new Set(open(write))).toEqual(new Set(['host', 'disk', 'amd-sp', ...GUEST]));
  expect(open(access('disk', 'write', '0x1000', 16))).toEqual(open(write));
});

test('bytes that are not there have no readers', () => {
  const [event] = trace({ type: 'vmrun', asid: 1, actor: 'host' });
  expect(readersOf(event!)).toMatchObject({ open: [], closed: [] });
  expect(canRead('host', event!, 'open')).toBe(false);
});

test('in a whole run the host reads all open bytes and no closed ones', () => {
  for (const event of recorded.events) {
    if (event.open) expect(canRead('host', event, 'open'), `${event.seq}`).toBe(true);
    if (event.closed) expect(readersOf(event).closed.length, `${event.seq}`).toBeGreaterThan(0);
    for (const actor of ['host', 'disk'] as const)
      expect(canRead(actor, event, 'closed'), `${event.seq}`).toBe(false);
  }
});
