import { fromHex } from '@sevlab/codec/bytes';
import {
  type Guid,
  IGVM_METADATA_GUID,
  SEV_ES_RESET_BLOCK_GUID,
  SEV_METADATA_GUID,
  SEV_SECRET_BLOCK_GUID,
  SEVLAB_MANIFEST_GUID,
  TDX_METADATA_GUID,
} from '@sevlab/codec/guid';
import { buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { describe, expect, test } from 'vitest';
import { encoded, file, volume } from '../test/firmware-volume.ts';
import { buildImage, OffsetBlock } from './image.ts';
import { type Drivers, inspectImage } from './inspect.ts';
import { readSevMetadata } from './sev-metadata.ts';

const texts = (image: Uint8Array): string[] =>
  inspectImage(image).findings.map(({ severity, text }) => `${severity}: ${text}`);

/** An image of zeros with these entries. */
function imageWith(entries: Parameters<typeof buildGuidedTable>[0]): Uint8Array {
  const image = new Uint8Array(4096);
  const table = buildGuidedTable(entries);
  image.set(table, 4096 - 32 - table.length);
  return image;
}

function damaged(fromEnd: number, flip = 1): Uint8Array {
  const image = buildImage({ layout: '202405', size: 4096 });
  image[image.length - fromEnd]! ^= flip;
  return image;
}

/** An area of a page of its own. */
const SECRET = { guid: SEV_SECRET_BLOCK_GUID, data: fromHex('0000900000100000') };
const pointer = (guid: Guid, fromEnd: number) => ({ guid, data: OffsetBlock.encode({ fromEnd }) });

/** Bytes before the end of where metadata lie here. */
const METADATA_AT = 1024;

/** An image whose entry points to these bytes. */
function imageWithMetadata(guid: Guid, metadata: string, at = METADATA_AT): Uint8Array {
  const image = imageWith([pointer(guid, at), SECRET]);
  image.set(fromHex(metadata), image.length - METADATA_AT);
  return image;
}

const SEV_SECTION = '00008000 00900000 01000000';
const IGVM_SECTION = '00208100 00100000 00010000';
const TDX_SECTION = '00000000'.repeat(8);

/** A lint, an image that it is about, and its twin: as near as can be, and sound. */
test.each<[string, Uint8Array, RegExp, Uint8Array]>([
  [
    'no table',
    buildImage({ layout: '202405', table: false }),
    /^error: no GUIDed table: 48 bytes before its end/,
    buildImage({ layout: '202405' }),
  ],
  ['nothing', new Uint8Array(), /^error: no GUIDed table: the image has 0 bytes/, imageWith([SECRET])],
  [
    'a footer with one bit flipped',
    damaged(48),
    /^error: the footer of the GUIDed table is damaged, 1 of its 128 bits differ/,
    damaged(48, 0),
  ],
  [
    'an impossible total length',
    damaged(49, 0xff),
    /^error: no GUIDed table: .* of 65\d{3} bytes: OVMF table has invalid size$/,
    damaged(49, 0),
  ],
  [
    'a table of a footer alone',
    imageWith([]),
    /^error: no GUIDed table: its footer announces a table without entries$/,
    imageWith([SECRET]),
  ],
  [
    'no secret block',
    buildImage({ layout: '202405', secretArea: 'none' }),
    /^warning: there is no secret block/,
    buildImage({ layout: '202405', secretArea: { base: 0x810000, size: 0xc00 } }),
  ],
  [
    'a byte of filler',
    damaged(4000),
    /^error: the image is damaged: its manifest says SHA-256/,
    damaged(4000, 0),
  ],
  [
    'a shorter image',
    buildImage({ layout: '202405', size: 8192 }).subarray(4096),
    /^error: .* has 8192 bytes; it has 4096$/,
    buildImage({ layout: '202405', size: 4096 }),
  ],
  [
    'two secret blocks',
    imageWith([{ ...SECRET, data: fromHex('0000820000100000') }, SECRET]),
    /^warning: the SEV secret block .* is there twice/,
    imageWith([SECRET]),
  ],
  [
    'a secret block without data',
    imageWith([{ ...SECRET, data: new Uint8Array() }]),
    /^error: the SEV secret block has 0 bytes of data; expected 8/,
    imageWith([SECRET]),
  ],
  [
    'a reset block of a length of its own',
    imageWith([SECRET, { guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('04b0800000') }]),
    /^error: the SEV-ES reset block has 5 bytes of data; expected 4/,
    imageWith([SECRET, { guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('04b08000') }]),
  ],
  [
    'reset address 0',
    imageWith([SECRET, { guid: SEV_ES_RESET_BLOCK_GUID, data: new Uint8Array(4) }]),
    /^warning: the SEV-ES reset address is zero/,
    imageWith([SECRET, { guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('01000000') }]),
  ],
  [
    'a manifest outside the image',
    imageWith([SECRET, pointer(SEVLAB_MANIFEST_GUID, 4097)]),
    /^error: the sevlab manifest offset points 4097 bytes before the end of an image of 4096/,
    buildImage({ layout: '202405' }),
  ],
  [
    'a manifest of zeros',
    imageWith([SECRET, pointer(SEVLAB_MANIFEST_GUID, 4096)]),
    /^error: the image is damaged: its manifest starts with/,
    buildImage({ layout: '202405' }),
  ],
  [
    'SEV metadata outside the image',
    imageWithMetadata(SEV_METADATA_GUID, `41534556 1c000000 01000000 01000000 ${SEV_SECTION}`, 4097),
    /^error: the ASEV metadata lies 4097 bytes before the end; expected 16 to 4096/,
    imageWithMetadata(SEV_METADATA_GUID, `41534556 1c000000 01000000 01000000 ${SEV_SECTION}`),
  ],
  [
    'a section of SEV metadata behind their length',
    imageWithMetadata(SEV_METADATA_GUID, `41534556 1b000000 01000000 01000000 ${SEV_SECTION}`),
    /^error: the ASEV metadata announces 1 sections, 28 bytes, in a length of 27$/,
    imageWithMetadata(SEV_METADATA_GUID, `41534556 1c000000 01000000 01000000 ${SEV_SECTION}`),
  ],
  [
    'TDX metadata of another name',
    imageWithMetadata(TDX_METADATA_GUID, `41534556 30000000 01000000 01000000 ${TDX_SECTION}`),
    /^error: the TDVF metadata starts with "ASEV"; expected "TDVF"$/,
    imageWithMetadata(TDX_METADATA_GUID, `54445646 30000000 01000000 01000000 ${TDX_SECTION}`),
  ],
  [
    'a count of TDX metadata that overflows',
    imageWithMetadata(TDX_METADATA_GUID, `54445646 30000000 01000000 ffffffff ${TDX_SECTION}`),
    /^error: the TDVF metadata announces 4294967295 sections/,
    imageWithMetadata(TDX_METADATA_GUID, `54445646 30000000 01000000 01000000 ${TDX_SECTION}`),
  ],
  [
    'IGVM metadata over the end of the image',
    imageWithMetadata(IGVM_METADATA_GUID, `4947564d 01040000 01000000 01000000 ${IGVM_SECTION}`),
    /^error: the IGVM metadata announces 1025 bytes, of which 1024 are left in the image$/,
    imageWithMetadata(IGVM_METADATA_GUID, `4947564d 00040000 01000000 01000000 ${IGVM_SECTION}`),
  ],
  [
    'the area in what the SEV metadata have for firmware',
    imageWithMetadata(SEV_METADATA_GUID, '41534556 1c000000 01000000 01000000 00f08f00 01100000 01000000'),
    /^warning: the secret area 0x900000 to 0x900fff lies in 0x8ff000 to 0x900000, where firmware works/,
    imageWithMetadata(SEV_METADATA_GUID, '41534556 1c000000 01000000 01000000 00f08f00 00100000 01000000'),
  ],
  [
    'nobody serves the area',
    buildImage({ layout: '202405', reservesArea: false, publishesArea: false }),
    /^error: there is neither SecretPei nor SecretDxe: injecting succeeds, and the secret is lost/,
    buildImage({ layout: '202405' }),
  ],
  [
    'nobody reserves the area',
    buildImage({ layout: '202405', reservesArea: false }),
    /^error: there is no SecretPei:/,
    buildImage({ layout: '202405', reservesArea: false, secretArea: { base: 0, size: 0 } }),
  ],
  [
    'nobody publishes the area',
    buildImage({ layout: '202405', publishesArea: false }),
    /^error: there is no SecretDxe:/,
    buildImage({ layout: '202405' }),
  ],
])('%s', (_, faulty, expected, twin) => {
  expect(texts(faulty)).toEqual([expect.stringMatching(expected)]);
  expect(texts(twin).filter((text) => expected.test(text))).toEqual([]);
});

test('a damaged entry hides those before it, and the finding says so', () => {
  const entries = [SECRET, { guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('04b08000') }];
  const image = imageWith(entries);
  image[image.length - 50 - 18] = 200;
  expect(inspectImage(image).secretArea).toBeUndefined();
  expect(texts(image)[0]).toMatch(
    /^error: the GUIDed table is damaged: entry 00f771de.* announces 200 bytes/,
  );
});

describe('SEV metadata', () => {
  const metadata = (hex: string): Uint8Array => fromHex(hex);
  test.each([
    [
      'more sections than its length',
      '41534556 1b000000 01000000 01000000 000000000000000000000000',
      /28 bytes, in a length of 27/,
    ],
    [
      'another signature',
      '41534557 1c000000 01000000 01000000 000000000000000000000000',
      /starts with "ASEW"/,
    ],
    [
      'a length over the end',
      '41534556 1d000000 01000000 01000000 000000000000000000000000',
      /29 bytes, of which 28/,
    ],
    ['version 2', '41534556 1c000000 02000000 01000000 000000000000000000000000', /version 2; expected 1/],
    [
      'a count that would wrap',
      '41534556 1c000000 01000000 ffffffff 000000000000000000000000',
      /4294967295 sections/,
    ],
  ])('%s', (_, hex, expected) => {
    const image = metadata(hex);
    expect(readSevMetadata(image, image.length)).toEqual({ error: expect.stringMatching(expected) });
  });

  test('a sound one', () => {
    const image = metadata('41534556 1c000000 01000000 01000000 00008000 00900000 01000000 ffff');
    expect(readSevMetadata(image, 30)).toEqual({ sections: [{ base: 0x800000, size: 0x9000, type: 1 }] });
  });
});

describe('whether an image that others built serves the area', () => {
  const SECRET_PEI = '45260dde-0c3c-4b41-a226-ef3803fac7d4';
  const SECRET_DXE = '6e2b9619-8810-4e9d-a177-d432bb9abeda';
  const PLATFORM_PEI = '222c386d-5abc-4fb4-b124-fbb82488acf4';
  const LZMA = 'ee4e5898-3914-4259-9d6e-dc7bd79403cf';
  const module = (name: string): Uint8Array => file(name, 0x07, new Uint8Array(40));
  const compressed = file('9e21fd93-9c72-4c15-8c4b-e77f1db2d792', 0x0b, encoded(LZMA, 1, new Uint8Array(40)));

  test.each<[string, Uint8Array[], Drivers, RegExp[]]>([
    [
      'both drivers',
      [module(SECRET_PEI), module(SECRET_DXE)],
      { kind: 'known', secretPei: true, secretDxe: true },
      [],
    ],
    [
      'both drivers beside something compressed',
      [module(SECRET_PEI), module(SECRET_DXE), compressed],
      { kind: 'known', secretPei: true, secretDxe: true },
      [],
    ],
    [
      'neither',
      [module(PLATFORM_PEI)],
      { kind: 'known', secretPei: false, secretDxe: false },
      [/^error: there is neither SecretPei nor SecretDxe/],
    ],
    [
      'SecretDxe alone',
      [module(SECRET_DXE)],
      { kind: 'known', secretPei: false, secretDxe: true },
      [/^error: there is no SecretPei/],
    ],
    [
      'one of them, and something compressed',
      [module(SECRET_PEI), compressed],
      { kind: 'unknown', reason: `a firmware volume is compressed, as ${LZMA} says` },
      [],
    ],
  ])('%s', (_, modules, drivers, findings) => {
    const image = imageWith([SECRET]);
    image.set(volume(modules), 16);
    const inspection = inspectImage(image);
    expect(inspection.drivers).toEqual(drivers);
    expect(inspection.findings.map(({ severity, text }) => `${severity}: ${text}`)).toEqual(
      findings.map((pattern) => expect.stringMatching(pattern)),
    );
  });

  test('without an area there is nothing to serve', () => {
    const image = imageWith([{ ...SECRET, data: new Uint8Array(8) }]);
    image.set(volume([module(PLATFORM_PEI)]), 16);
    expect(texts(image)).toEqual([expect.stringMatching(/^warning: the secret block says base 0x0, size 0/)]);
  });
});

test('sha256 is that of the bytes', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(inspectImage(new Uint8Array()).sha256).toBe(empty);
});
