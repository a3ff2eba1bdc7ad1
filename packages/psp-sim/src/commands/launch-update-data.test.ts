import { createHash } from 'node:crypto';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat, toHex } from '@sevlab/codec/bytes';
import { LaunchUpdateBuffer } from '@sevlab/codec/sev/command';
import { expect, it } from 'vitest';
import { ASID, createPlatform, HOLE, initialise, launchGuest, measureGuest } from '../../test/platform.ts';
import type { ProfileName } from '../profile.ts';

const PIECE = 0x5000;

/** A guest in LUPDATE, and its LAUNCH_UPDATE_DATA. */
function launching(profile: ProfileName = 'genoa-1.55') {
  const platform = createPlatform(profile);
  initialise(platform);
  const handle = launchGuest(platform);
  const update = (paddr: Spa, length: number) =>
    platform.run('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, { handle, paddr, length }).status;
  const digest = (): string => {
    measureGuest(platform, handle);
    return toHex(platform.sp.guest(handle).launchDigest!);
  };
  return { platform, update, digest };
}

const sha256 = (...parts: Uint8Array[]): string =>
  createHash('sha256')
    .update(concat(...parts))
    .digest('hex');

it('64 KiB with a hole after 40 KiB: what lies before is encrypted and measured, and no byte more', () => {
  const { platform, update, digest } = launching();
  const bytes = Uint8Array.from({ length: 2 * PIECE }, (_, i) => (i * 5) & 0xff);
  const paddr = spa(0x8000_0000n - BigInt(bytes.length));
  platform.machine.host.memory.write(paddr, bytes);
  expect(update(paddr, 0x1_0000)).toBe('INVALID_CONFIG');
  expect(platform.machine.memory.readEncrypted(ASID, paddr, bytes.length)).toEqual(bytes);
  expect(digest()).toBe(sha256(bytes));
});

it('the second time a page is measured as the host sees it', () => {
  const { platform, update, digest } = launching();
  const page = new Uint8Array(4096).fill(0x41);
  const paddr = platform.place(page);
  expect(update(paddr, 4096)).toBe('SUCCESS');
  const ciphertext = platform.machine.host.memory.read(paddr, 4096);
  expect(update(paddr, 4096)).toBe('SUCCESS');
  expect(platform.machine.memory.readEncrypted(ASID, paddr, 4096)).toEqual(ciphertext);
  expect(digest()).toBe(sha256(page, ciphertext));
});

it.each([
  ['genoa-1.55', 'the legacy video hole', 0xa_0000n, 'INVALID_ADDRESS'],
  ['genoa-1.55', 'the end of the legacy video hole', 0xb_fff0n, 'INVALID_ADDRESS'],
  ['genoa-1.55', 'what follows it', 0xc_0000n, 'SUCCESS'],
  ['genoa-1.55', 'a place without DRAM', HOLE, 'INVALID_CONFIG'],
  ['spec', 'a place without DRAM', HOLE, 'INVALID_ADDRESS'],
] as const)('%s: into %s (%i): %s', (profile, _, address, status) => {
  const { platform, update } = launching(profile);
  const paddr = spa(address);
  const before = platform.machine.memory.read(paddr, 16);
  expect(update(paddr, 16)).toBe(status);
  if (status !== 'SUCCESS') expect(platform.machine.memory.read(paddr, 16)).toEqual(before);
});
