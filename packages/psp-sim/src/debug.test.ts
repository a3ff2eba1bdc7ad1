import { type Spa, spa } from '@sevlab/codec/address';
import { DebugBuffer, LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { expect, it } from 'vitest';
import {
  ASID,
  createPlatform,
  expectSuccess,
  initialise,
  launchGuest,
  measureGuest,
  type Platform,
  secretBuffer,
} from '../test/platform.ts';

const SCRATCH = 0x5000;
const PATTERN = Uint8Array.from({ length: 2 * SCRATCH + 32 }, (_, i) => (i * 11) & 0xff);

/** A guest in LUPDATE. */
function debuggable(policy = 0) {
  const platform = createPlatform();
  initialise(platform);
  return { platform, handle: launchGuest(platform, policy) };
}

const debug = (
  platform: Platform,
  name: 'DBG_DECRYPT' | 'DBG_ENCRYPT',
  handle: number,
  { from, to, length }: { from: Spa; to: Spa; length: number },
) => platform.run(name, DebugBuffer, { handle, srcPaddr: from, dstPaddr: to, length }).status;

it('DBG_ENCRYPT writes what the guest reads, DBG_DECRYPT what the host reads, over several pieces', () => {
  const { platform, handle } = debuggable();
  const { memory } = platform.machine;
  const { length } = PATTERN;
  const [from, to, back] = [
    platform.place(PATTERN),
    platform.place(new Uint8Array(0), length),
    platform.place(new Uint8Array(0), length),
  ];
  expect(debug(platform, 'DBG_ENCRYPT', handle, { from, to, length })).toBe('SUCCESS');
  expect(memory.readEncrypted(ASID, to, length)).toEqual(PATTERN);
  expect(memory.read(from, length)).toEqual(PATTERN);
  expect(debug(platform, 'DBG_DECRYPT', handle, { from: to, to: back, length })).toBe('SUCCESS');
  expect(memory.read(back, length)).toEqual(PATTERN);
  expect(memory.readEncrypted(ASID, to, length)).toEqual(PATTERN);
});

it('with a policy that allows it a secret is read as soon as it was injected', () => {
  const { platform, handle } = debuggable();
  const { measure } = measureGuest(platform, handle);
  const secret = new Uint8Array(32).fill(0x5e);
  const { cmd } = secretBuffer(platform, handle, measure, secret);
  expectSuccess(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status);
  const to = platform.place(new Uint8Array(32));
  expect(debug(platform, 'DBG_DECRYPT', handle, { from: cmd.guestPaddr, to, length: 32 })).toBe('SUCCESS');
  expect(platform.machine.host.memory.read(to, 32)).toEqual(secret);
});

it.each([
  ['policy 1', 1, {}, 'POLICY_FAILURE'],
  ['no ASID', 0, { activation: 'inactive', asid: 0 }, 'INACTIVE'],
  ['policy 1 and no ASID', 1, { activation: 'inactive', asid: 0 }, 'POLICY_FAILURE'],
] as const)('%s', (_, policy, change, status) => {
  const { platform, handle } = debuggable(policy);
  Object.assign(platform.sp.guest(handle), change);
  const range = { from: spa(0x8000n), to: spa(0x9000n), length: 16 };
  for (const name of ['DBG_DECRYPT', 'DBG_ENCRYPT'] as const)
    expect(debug(platform, name, handle, range)).toBe(status);
});

it.each([
  ['source', 'from'],
  ['target', 'to'],
] as const)('a hole in the %s shows at the piece that meets it; the piece before stays copied', (_, end) => {
  const { platform, handle } = debuggable();
  const good = platform.place(PATTERN);
  const edge = spa(0x8000_0000n - BigInt(SCRATCH)); // the last piece below the 32-bit hole
  const target = end === 'to' ? edge : good;
  const range = { from: good, to: good, length: SCRATCH + 16, [end]: edge };
  expect(debug(platform, 'DBG_ENCRYPT', handle, range)).toBe('INVALID_CONFIG');
  const expected = end === 'to' ? PATTERN.slice(0, SCRATCH) : new Uint8Array(SCRATCH);
  expect(platform.machine.memory.readEncrypted(ASID, target, SCRATCH)).toEqual(expected);
});
