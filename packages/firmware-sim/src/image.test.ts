import { toHex } from '@sevlab/codec/bytes';
import { SEV_HASH_TABLE_BLOCK_GUID, SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { describe, expect, test } from 'vitest';
import { buildImage, type ImageOptions } from './image.ts';
import { LAYOUTS } from './layouts.ts';

test('what is nailed to the end: reset vector, VTF, zeros, footer', () => {
  const image = buildImage({ layout: '202405' });
  expect(image).toHaveLength(256 * 1024);
  expect(toHex(image.subarray(-16))).toBe(`e90df0${'f4'.repeat(13)}`);
  expect(toHex(image.subarray(-20, -16))).toBe('56544600');
  expect(toHex(image.subarray(-32, -20))).toBe('00'.repeat(12));
  expect(toHex(image.subarray(-48, -32))).toBe('de82b596b21ff745baeaa366c55a082d');
});

test('the blocks of 202405 are those of a real AmdSev image, byte for byte', () => {
  const table = readGuidedTable(buildImage({ layout: '202405' }));
  const real = [
    '000c810000040000 1a001f3755723b3a044b927b1da6efa8d454', // hashes
    '00008100000c0000 1a0061b32e4c9b7dc34c8081127c90d3d294', // secret
    '04b08000 1600de71f7007e1acb4f890e68c77e2fb44e', // SEV-ES reset
  ]
    .join('')
    .replaceAll(' ', '');
  const image = buildImage({ layout: '202405' });
  expect(table.kind === 'table' && toHex(image.subarray(table.offset))).toContain(real);
});

// OvmfPkg/AmdSev/AmdSevX64.fdf of each tag.
test.each([
  ['202102', { base: 0x80c000, size: 0x1000 }, undefined],
  ['202108', { base: 0x80c000, size: 0xc00 }, { base: 0x80cc00, size: 0x400 }],
  ['202202', { base: 0x80c000, size: 0xc00 }, { base: 0x80cc00, size: 0x400 }],
  ['202302', { base: 0x80c000, size: 0xc00 }, { base: 0x80cc00, size: 0x400 }],
  ['202402', { base: 0x80f000, size: 0xc00 }, { base: 0x80fc00, size: 0x400 }],
  ['202405', { base: 0x810000, size: 0xc00 }, { base: 0x810c00, size: 0x400 }],
  ['202511', { base: 0x810000, size: 0xc00 }, { base: 0x810c00, size: 0x400 }],
] as const)('layout %s announces its areas', (layout, secret, hashes) => {
  const table = readGuidedTable(buildImage({ layout }));
  expect(findArea(table, SEV_SECRET_BLOCK_GUID)).toEqual(secret);
  expect(findArea(table, SEV_HASH_TABLE_BLOCK_GUID)).toEqual(hashes);
});

/** From 202205 to 202311 SEV-SNP's memory has the page in it. */
const PAGE_IN_FIRMWARE_MEMORY = ['202202', '202302'];

test.each(Object.entries(LAYOUTS))('geometry of layout %s: one page, without a gap', (name, layout) => {
  const { secretArea, hashesArea } = layout;
  expect(secretArea.base % 4096).toBe(0);
  expect(secretArea.size + (hashesArea?.size ?? 0)).toBe(4096);
  if (hashesArea) expect(hashesArea.base).toBe(secretArea.base + secretArea.size);
  const around = layout.sevMetadata.filter(
    ({ base, size, type }) => type === 1 && base < secretArea.base + 4096 && secretArea.base < base + size,
  );
  expect(around).toHaveLength(PAGE_IN_FIRMWARE_MEMORY.includes(name) ? 1 : 0);
});

describe('options', () => {
  test('the same options give the same bytes, another seed gives others', () => {
    const image = toHex(buildImage({ layout: '202405', size: 8192, seed: 1 }));
    expect(toHex(buildImage({ layout: '202405', size: 8192, seed: 1 }))).toBe(image);
    expect(toHex(buildImage({ layout: '202405', size: 8192, seed: 2 }))).not.toBe(image);
  });

  test('an area in place of the layout’s', () => {
    const read = (secretArea: NonNullable<ImageOptions['secretArea']>) =>
      findArea(readGuidedTable(buildImage({ layout: '202405', secretArea })), SEV_SECRET_BLOCK_GUID);
    expect(read({ base: 0, size: 0 })).toEqual({ base: 0, size: 0 });
    expect(read({ base: 0xffff_ffff, size: 0xffff_ffff })).toEqual({ base: 0xffff_ffff, size: 0xffff_ffff });
    expect(read('none')).toBeUndefined();
  });

  test('no table', () => {
    const image = buildImage({ layout: '202405', table: false });
    expect(readGuidedTable(image).kind).toBe('none');
    expect(toHex(image.subarray(-20, -16))).toBe('56544600');
  });

  test.each([0, 4095, 4097, -4096, 16 * 1024 * 1024 + 4096, Number.NaN, 4096.5])(
    'size %d is refused',
    (size) => {
      expect(() => buildImage({ layout: '202405', size })).toThrow(RangeError);
      expect(() => buildImage({ layout: '202405', size })).toThrow(`got ${size}`);
    },
  );

  test('an area outside 32 bits is refused', () => {
    const secretArea = { base: 0x1_0000_0000, size: 16 };
    expect(() => buildImage({ layout: '202405', secretArea })).toThrow(/base: expected .* got 4294967296/);
  });
});
