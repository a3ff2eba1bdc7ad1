import { fromHex } from '@sevlab/codec/bytes';
import {
  SEV_ES_RESET_BLOCK_GUID,
  SEV_METADATA_GUID,
  SEV_SECRET_BLOCK_GUID,
  SEVLAB_MANIFEST_GUID,
} from '@sevlab/codec/guid';
import { buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { describe, expect, test } from 'vitest';
import images from '../test/vectors/guid-tables.json' with { type: 'json' };
import { buildImage } from './image.ts';
import { inspectImage } from './inspect.ts';
import { readSevMetadata } from './sev-metadata.ts';

const texts = (image: Uint8Array): string[] =>
  inspectImage(image).findings.map(({ severity, text }) => `${severity}: ${text}`);

/** An image of zeros with these entries, and the SEV metadata of a real image where they may point. */
function imageWith(entries: Parameters<typeof buildGuidedTable>[0]): Uint8Array {
  const image = new Uint8Array(4096);
  const table = buildGuidedTable(entries);
  image.set(table, 4096 - 32 - table.length);
  return image;
}

/** A real image's table and SEV metadata in an image that is zero elsewhere. */
function realImage(recorded: (typeof images)[number]): Uint8Array {
  const image = new Uint8Array(recorded.size);
  image.set(fromHex(recorded.last48), recorded.size - 48);
  if (recorded.table_hex !== undefined) image.set(fromHex(recorded.table_hex), recorded.table_file_offset);
  for (const entry of recorded.entries ?? []) {
    if (entry.metadata_hex !== undefined) image.set(fromHex(entry.metadata_hex), entry.metadata_file_offset);
  }
  return image;
}

describe('real images', () => {
  test.each(images.map((image) => [`${image.package} ${image.file}`, image] as const))(
    '%s',
    (_, recorded) => {
      const { entries, manifest, table } = inspectImage(realImage(recorded));
      expect(manifest).toBeUndefined();
      expect(table.kind).toBe(recorded.footer ? 'table' : 'none');
      expect(entries.map(({ guid, name }) => [guid, name])).toEqual(
        (recorded.entries ?? []).map(({ guid }) => [guid, expect.not.stringMatching('unknown')]),
      );
    },
  );

  const named = (file: string, packaged: string): Uint8Array => {
    const recorded = images.find((image) => image.file.endsWith(file) && image.package.includes(packaged));
    if (recorded === undefined) throw new Error(`there is no ${file} of ${packaged}`);
    return realImage(recorded);
  };

  test('OVMF.amdsev.fd is sound', () => {
    const { findings, secretArea, hashesArea, entries } = inspectImage(named('OVMF.amdsev.fd', 'sid'));
    expect(findings).toEqual([]);
    expect(secretArea).toEqual({ base: 0x810000, size: 0xc00 });
    expect(hashesArea).toEqual({ base: 0x810c00, size: 0x400 });
    expect(entries.find(({ guid }) => guid === SEV_ES_RESET_BLOCK_GUID)?.decoded).toEqual({
      kind: 'address',
      address: 0x80b004,
    });
    const metadata = entries.find(({ guid }) => guid === SEV_METADATA_GUID)?.decoded;
    expect(metadata?.kind === 'offset' && metadata.sections?.map((s) => [s.base, s.size, s.type])).toEqual([
      [0x800000, 0x9000, 1],
      [0x80a000, 0x3000, 1],
      [0x80d000, 0x1000, 2],
      [0x80e000, 0x1000, 3],
      [0x80f000, 0x1000, 4],
      [0x811000, 0x1f000, 1],
      [0x810000, 0x1000, 0x10],
    ]);
  });

  test('a 0/0 secret block is a trap', () => {
    expect(texts(named('ovmf/OVMF.fd', 'bookworm'))).toEqual([
      expect.stringMatching(/^warning: the secret block says base 0x0, size 0/),
    ]);
  });

  test('a variable store has no table', () => {
    expect(texts(named('OVMF_VARS.fd', 'bookworm'))).toEqual([
      expect.stringMatching(/^error: no GUIDed table:/),
    ]);
  });
});

const secret = (base: number, size: number) => buildImage({ layout: '202405', secretArea: { base, size } });

function damaged(fromEnd: number, flip = 1): Uint8Array {
  const image = buildImage({ layout: '202405', size: 4096 });
  image[image.length - fromEnd]! ^= flip;
  return image;
}

const SECRET = { guid: SEV_SECRET_BLOCK_GUID, data: fromHex('00008100000c0000') };

test.each([
  ['a built image', buildImage({ layout: '202405' }), []],
  ['a built image of 202102', buildImage({ layout: '202102' }), []],
  [
    'no table',
    buildImage({ layout: '202405', table: false }),
    [/^error: no GUIDed table: 48 bytes before its end/],
  ],
  ['nothing', new Uint8Array(), [/^error: no GUIDed table: the image has 0 bytes/]],
  [
    'a footer with one bit flipped',
    damaged(48),
    [/^error: the footer of the GUIDed table is damaged, 1 of its 128/],
  ],
  ['an impossible total length', damaged(49, 0xff), [/^error: no GUIDed table: .* invalid size$/]],
  [
    'no secret block',
    buildImage({ layout: '202405', secretArea: 'none' }),
    [/^warning: there is no secret block/],
  ],
  ['0/0', secret(0, 0), [/^warning: the secret block says base 0x0, size 0/]],
  [
    'an area over two pages',
    secret(0x820f00, 0x200),
    [/^error: the secret area 0x820f00 to 0x8210ff does not lie/],
  ],
  ['an area that ends with its page', secret(0x820f00, 0x100), []],
  [
    'a crooked area',
    secret(0x820008, 0x100),
    [/^error: the secret area 0x820008 to 0x820107 does not start/],
  ],
  [
    'an overlap by 16 bytes',
    secret(0x810000, 0xc10),
    [/^error: .* 0x810000 to 0x810c0f overlaps the hashes area/],
  ],
  ['a byte of filler', damaged(4000), [/^error: the image is damaged: its manifest says SHA-256/]],
  [
    'a shorter image',
    buildImage({ layout: '202405', size: 8192 }).subarray(4096),
    [/has 8192 bytes; it has 4096$/],
  ],
  [
    'two secret blocks',
    imageWith([{ ...SECRET, data: fromHex('0000820000010000') }, SECRET]),
    [/^warning: the SEV secret block .* is there twice/],
  ],
  [
    'a secret block without data',
    imageWith([{ ...SECRET, data: new Uint8Array() }]),
    [/^error: the SEV secret block has 0 bytes of data; expected 8/],
  ],
  [
    'metadata outside the image',
    imageWith([{ guid: SEV_METADATA_GUID, data: fromHex('01100000') }, SECRET]),
    [/^error: the SEV metadata lies 4097 bytes before the end; expected 16 to 4096/],
  ],
  [
    'reset address 0',
    imageWith([SECRET, { guid: SEV_ES_RESET_BLOCK_GUID, data: new Uint8Array(4) }]),
    [/^warning: the SEV-ES reset address is zero/],
  ],
  [
    'a manifest outside the image',
    imageWith([SECRET, { guid: SEVLAB_MANIFEST_GUID, data: fromHex('01100000') }]),
    [/^error: the sevlab manifest offset points 4097 bytes before the end of an image of 4096/],
  ],
  [
    'a manifest of zeros',
    imageWith([SECRET, { guid: SEVLAB_MANIFEST_GUID, data: fromHex('00100000') }]),
    [/^error: the image is damaged: its manifest starts with/],
  ],
] as const)('findings: %s', (_, image, expected) => {
  expect(texts(image)).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
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

test('sha256 is that of the bytes', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(inspectImage(new Uint8Array()).sha256).toBe(empty);
});
