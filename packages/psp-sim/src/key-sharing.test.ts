import { spa } from '@sevlab/codec/address';
import { ActivateBuffer, LaunchStartBuffer } from '@sevlab/codec/sev/command';
import { expect, test } from 'vitest';
import { CONTENT, runningGuest } from '../test/migration.ts';
import { createPlatform, initialise, type Platform } from '../test/platform.ts';

const OTHER_ASID = 101;

/** A launch without a session that asks for the key of a guest that is there. */
const shareKey = (platform: Platform, handle: number, policy: number) =>
  platform.run('LAUNCH_START', LaunchStartBuffer, {
    handle,
    policy,
    dhCertPaddr: spa(0n),
    dhCertLen: 0,
    sessionPaddr: spa(0n),
    sessionLen: 0,
  });

test('without NOKS anybody who knows the policy launches a guest that reads the memory of another', () => {
  const platform = createPlatform();
  initialise(platform);
  const { handle, paddr } = runningGuest(platform, 1);
  const { status, value } = shareKey(platform, handle, 1);
  expect(status).toBe('SUCCESS');
  expect(platform.run('ACTIVATE', ActivateBuffer, { handle: value.handle, asid: OTHER_ASID }).status).toBe(
    'SUCCESS',
  );
  expect(platform.machine.memory.readEncrypted(OTHER_ASID, paddr, CONTENT.length)).toEqual(CONTENT);
});

test.each([
  [3, 3],
  [1, 0],
  [0, 1],
])('a guest with policy %i is not shared by one with policy %i', (policy, other) => {
  const platform = createPlatform();
  initialise(platform);
  const { handle } = runningGuest(platform, policy);
  expect(shareKey(platform, handle, other).status).toBe('POLICY_FAILURE');
});
