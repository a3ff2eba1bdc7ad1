import { beforeEach, expect, it } from 'vitest';
import { launch } from './launch.ts';
import './vitest.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const OTHER = 'adf956ad-e98c-484c-ae11-b51c7d336447';
const PATH = `/sys/kernel/security/secrets/coco/${GUID}`;
const guest = launch({ secrets: { [GUID]: 'kept' } });
beforeEach(() => guest.reset());

it('toHaveStatus tells the cause', () => {
  const answer = { status: 'BAD_MEASUREMENT', cause: 'the keys are exchanged' } as const;
  expect(answer).toHaveStatus('BAD_MEASUREMENT');
  expect({ status: 'SUCCESS' }).not.toHaveStatus('BAD_MEASUREMENT');
  expect(() => expect(answer).toHaveStatus('SUCCESS')).toThrow(
    'expected the AMD-SP to answer SUCCESS, got BAD_MEASUREMENT: the keys are exchanged',
  );
});

it('toHaveSecret wants the name, and the bytes if they are given', () => {
  expect(guest).toHaveSecret(GUID);
  expect(guest).toHaveSecret(GUID.toUpperCase(), 'kept');
  expect(guest).toHaveSecret(GUID, Uint8Array.of(0x6b, 0x65, 0x70, 0x74));
  expect(guest).not.toHaveSecret(GUID, 'kep');
  expect(guest).not.toHaveSecret(OTHER);
  expect(() => expect(guest).toHaveSecret(OTHER)).toThrow(`and it has ${GUID}`);
  expect(() => expect(guest).toHaveSecret(GUID, 'lost')).toThrow(
    `expected secret ${GUID} to be the given 4 bytes, got 4 bytes, different from byte 0 on`,
  );
  expect(() => expect(guest).not.toHaveSecret(GUID)).toThrow('expected the guest not to have a secret');
});

it('toHaveWiped wants file, name and bytes gone', () => {
  expect(guest).not.toHaveWiped(GUID);
  expect(() => expect(guest).toHaveWiped(GUID)).toThrow(
    'the guest still shows its file, guest memory still has its name, guest memory still has 4 of its 4 bytes',
  );
  guest.run('rmmod efi_secret'); // the files are gone, and nothing was wiped
  expect(() => expect(guest).toHaveWiped(GUID)).toThrow('and guest memory still has its name');
  guest.reset();
  guest.run(`rm ${PATH}`);
  expect(guest).toHaveWiped(GUID);
  expect(() => expect(guest).not.toHaveWiped(GUID)).toThrow('to be left, and it was wiped');
  expect(() => expect(guest).toHaveWiped(OTHER)).toThrow(`the guest never had a secret ${OTHER}`);
});
