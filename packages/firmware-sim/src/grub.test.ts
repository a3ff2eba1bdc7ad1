import { gpa } from '@sevlab/codec/address';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { DISK_PASSPHRASE_GUID, parseGuid } from '@sevlab/codec/guid';
import { ImageManifest } from '@sevlab/codec/ovmf/manifest';
import { describe, expect, test } from 'vitest';
import { boot, inGuest, launchGuest, writeEncrypted } from '../test/guest.ts';
import { buildImage, type ImageOptions } from './image.ts';
import { manifestFault } from './manifest.ts';

const AREA = gpa(0x81_0000n);
const OTHER = { guid: parseGuid('e6f5a162-d67f-4750-a67c-5d065f2a9910'), data: Uint8Array.of(1, 2, 3) };
const passphrase = (...data: number[]) => ({ guid: DISK_PASSPHRASE_GUID, data: Uint8Array.from(data) });

/** A guest with GRUB that has that in its area, and what its firmware came to. */
function grubWith(area: Uint8Array, options: Partial<ImageOptions> = {}) {
  const guest = launchGuest(buildImage({ layout: '202405', size: 8192, grub: 'efisecret', ...options }));
  writeEncrypted(guest, AREA, area);
  const outcome = boot(guest);
  return { outcome, after: inGuest(guest, ({ memory }) => memory.readPrivate(AREA, area.length)) };
}

describe('GRUB with its module efisecret', () => {
  test.each([
    ['first', [passphrase(0x61, 0), OTHER]],
    ['last', [OTHER, passphrase(0)]],
  ])('takes the passphrase where it comes %s, and leaves the rest as it was', (_, secrets) => {
    const table = encodeSecretTable(secrets);
    const { outcome, after } = grubWith(table);
    expect(outcome.kind).toBe('handover');
    const changed = [...table.keys()].filter((i) => after[i] !== table[i]);
    const taken = secrets.find(({ guid }) => guid === DISK_PASSPHRASE_GUID)!;
    const start = taken === secrets[0] ? 20 : 20 + 20 + OTHER.data.length;
    expect(changed[0]).toBe(start);
    expect(after.subarray(start, start + 20 + taken.data.length)).toEqual(
      new Uint8Array(20 + taken.data.length),
    );
    expect(changed.at(-1)).toBeLessThan(start + 20 + taken.data.length);
  });

  test.each<[string, Uint8Array]>([
    ['no passphrase', encodeSecretTable([OTHER])],
    ['one without a NUL', encodeSecretTable([passphrase(0x61)])],
    ['one of no bytes', encodeSecretTable([passphrase()])],
    ['no table', new Uint8Array(64)],
  ])('%s: it asks a person, and changes nothing', (_, area) => {
    const { outcome, after } = grubWith(area);
    expect(outcome).toMatchObject({ kind: 'stopped', reason: expect.stringMatching(/^GRUB asks for/) });
    expect(after).toEqual(area);
  });

  test('an area that nobody published is none', () => {
    const { outcome } = grubWith(encodeSecretTable([passphrase(0)]), { publishesArea: false });
    expect(outcome.kind).toBe('stopped');
  });
});

test('a manifest with a GRUB that is none of ours is damaged', () => {
  const image = buildImage({ layout: '202405', size: 4096 });
  const at = [...image.keys()].find(
    (i) => ImageManifest.size + i <= 4096 && ImageManifest.decodeAt(image, i).magic === 'sevlabFW',
  );
  const manifest = ImageManifest.decodeAt(image, at!);
  expect(manifestFault(manifest, 4096 - at!)).toBeUndefined();
  expect(manifestFault({ ...manifest, grub: 3 }, 4096 - at!)).toMatch(/names the GRUB 3; expected 0 to 2/);
});
