import { SEV_ES_RESET_BLOCK_GUID, SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { AreaBlock, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { expect, test } from 'vitest';
import { imageWith, imageWithArea } from '../test/recording-host.ts';
import { VmmError } from './errors.ts';
import { findSecretArea } from './firmware-image.ts';

const MEMORY = 0x1000_0000n;
const areaOf = (image: Uint8Array) => findSecretArea(readGuidedTable(image), MEMORY);
const area = (base: number, size: number) => AreaBlock.encode({ base, size });

test.each<[string, Uint8Array, RegExp]>([
  ['fewer bytes than a page', new Uint8Array(100), /no GUIDed table \(the image has 100 bytes/],
  ['zeros', new Uint8Array(0x2000), /no GUIDed table \(48 bytes before its end is 00000000-/],
  [
    'a table without entries',
    imageWith([]),
    /no GUIDed table \(its footer announces a table without entries\)/,
  ],
  [
    'a table with another entry',
    imageWith([{ guid: SEV_ES_RESET_BLOCK_GUID, data: area(0x81_0000, 0x1000) }]),
    /no secret block/,
  ],
  [
    'a secret block of 4 bytes',
    imageWith([{ guid: SEV_SECRET_BLOCK_GUID, data: new Uint8Array(4) }]),
    /its secret block has not 8 bytes/,
  ],
  ['0/0', imageWithArea(0, 0), /says base 0x0 and size 0; expected both to be other than zero/],
  ['base 0', imageWithArea(0, 0x1000), /says base 0x0 and size 4096/],
  ['size 0', imageWithArea(0x81_0000, 0), /says base 0x810000 and size 0/],
  [
    'an end one byte above memory',
    imageWithArea(0xfff_f001, 0x1000),
    /ends at 0x10000001; expected it within/,
  ],
  ['a start above memory', imageWithArea(0xffff_f000, 0x1000), /ends at 0x100000000; .* give the guest more/],
])('refused: %s', (_, image, message) => {
  expect(() => areaOf(image)).toThrow(VmmError);
  expect(() => areaOf(image)).toThrow(message);
});

test('an area that ends where memory ends', () => {
  expect(areaOf(imageWithArea(0xfff_f000, 0x1000))).toEqual({
    base: 0xfff_f000,
    size: 0x1000,
  });
});

test('of two secret blocks the one nearer the end of the image counts, as for QEMU', () => {
  const image = imageWith([
    { guid: SEV_SECRET_BLOCK_GUID, data: area(0x1000, 0x1000) },
    { guid: SEV_SECRET_BLOCK_GUID, data: area(0x2000, 0x2000) },
  ]);
  expect(areaOf(image)).toEqual({ base: 0x2000, size: 0x2000 });
});
