import { expect, test } from 'vitest';
import { type AnnouncedMemory, areaFindings } from './inspect-areas.ts';

/** The areas of edk2 from 202405 on, and the memory that its firmware works in. */
const SOUND: AnnouncedMemory = {
  imageSize: 0x400000,
  secretArea: { base: 0x810000, size: 0xc00 },
  hashesArea: { base: 0x810c00, size: 0x400 },
  sections: [
    { base: 0x800000, size: 0x9000, type: 1 },
    { base: 0x80f000, size: 0x1000, type: 4 },
    { base: 0x811000, size: 0x1f000, type: 1 },
    { base: 0x810000, size: 0x1000, type: 0x10 },
  ],
};
const area = (base: number, size: number) => ({ base, size });

const texts = (change: Partial<AnnouncedMemory>): string[] =>
  areaFindings({ ...SOUND, ...change }).map(({ severity, text }) => `${severity}: ${text}`);

/** A lint, memory that it is about, and its twin: as near as can be, and sound. */
test.each<[string, Partial<AnnouncedMemory>, string[], Partial<AnnouncedMemory>]>([
  [
    'a secret block of 0/0',
    { secretArea: area(0, 0) },
    [
      'warning: the secret block says base 0x0, size 0: this firmware has no secret area, and QEMU would inject there ' +
        'all the same',
    ],
    {},
  ],
  [
    'a secret block at 0',
    { secretArea: area(0, 0x1000) },
    [
      'warning: the secret block says base 0x0, size 4096: this firmware has no secret area, and QEMU would inject ' +
        'there all the same',
    ],
    { secretArea: area(0x1000, 0x1000) },
  ],
  [
    'a hash table block of 0/0',
    { secretArea: area(0x810000, 0x1000), hashesArea: area(0, 0) },
    [
      'warning: the hash table block says base 0x0, size 0: QEMU refuses kernel-hashes=on, for which it needs 176 bytes',
    ],
    { secretArea: area(0x810000, 0x1000), hashesArea: undefined },
  ],
  [
    'a hashes area that is one byte too short for the table',
    { secretArea: area(0x810000, 0xf50), hashesArea: area(0x810f50, 175) },
    [
      expect.stringMatching(/^warning: the hash table block says base 0x810f50, size 175: QEMU refuses/),
      expect.stringMatching(/^warning: .* gives away the other 1 bytes of 0x810000 too$/),
    ],
    { secretArea: area(0x810000, 0xf50), hashesArea: area(0x810f50, 176) },
  ],
  [
    'a secret area that is crooked',
    { secretArea: area(0x810008, 0xbf8) },
    [
      'error: the secret area 0x810008 to 0x810bff does not start at a multiple of 16',
      expect.stringMatching(/^warning: .* gives away the other 8 bytes of 0x810000 too$/),
    ],
    {},
  ],
  [
    'a hashes area that is crooked',
    { secretArea: area(0x810000, 0xc08), hashesArea: area(0x810c08, 0x3f8) },
    ['error: the hashes area 0x810c08 to 0x810fff does not start at a multiple of 16'],
    { secretArea: area(0x810000, 0xc10), hashesArea: area(0x810c10, 0x3f0) },
  ],
  [
    'an area over two pages',
    { secretArea: area(0x900f00, 0x200) },
    ['error: the secret area 0x900f00 to 0x9010ff does not lie inside one page of 4096 bytes'],
    { secretArea: area(0x900000, 0x1000) },
  ],
  [
    'a secret area that does not fill its page',
    { secretArea: area(0x900f00, 0x100) },
    [
      'warning: the secret area 0x900f00 to 0x900fff and a hashes area do not make a whole page: firmware gives away ' +
        'the other 3840 bytes of 0x900000 too',
    ],
    { secretArea: area(0x900000, 0x1000) },
  ],
  [
    'a gap of 16 bytes before the hashes',
    { secretArea: area(0x810000, 0xbf0) },
    [expect.stringMatching(/^warning: .* gives away the other 16 bytes of 0x810000 too$/)],
    {},
  ],
  [
    'a secret area larger than what is free before the hashes',
    { secretArea: area(0x810000, 0xc10) },
    [
      'error: the secret area 0x810000 to 0x810c0f overlaps the hashes area 0x810c00 to 0x810fff: only 3072 bytes are ' +
        'free before the measured hashes',
    ],
    {},
  ],
  [
    'a hashes area that starts in the secret area',
    { hashesArea: area(0x810bf0, 0x410) },
    [expect.stringMatching(/^error: .* overlaps the hashes area 0x810bf0 to .*: only 3056 bytes are free/)],
    {},
  ],
  [
    'a secret area behind the hashes that they reach into',
    { secretArea: area(0x810400, 0xc00), hashesArea: area(0x810000, 0x410) },
    ['error: the secret area 0x810400 to 0x810fff overlaps the hashes area 0x810000 to 0x81040f'],
    { secretArea: area(0x810400, 0xc00), hashesArea: area(0x810000, 0x400) },
  ],
  [
    'both areas in one place',
    { secretArea: area(0x810000, 0x1000), hashesArea: area(0x810000, 0x400) },
    ['error: the secret area 0x810000 to 0x810fff overlaps the hashes area 0x810000 to 0x8103ff'],
    { secretArea: area(0x810000, 0x1000), hashesArea: area(0x900000, 0x400) },
  ],
  [
    'an area in the first page of the image',
    { secretArea: area(0xffc00000, 0x1000) },
    [
      'error: the secret area 0xffc00000 to 0xffc00fff lies in the image itself, 0xffc00000 to 0xffffffff: it would ' +
        'destroy measured code',
    ],
    { secretArea: area(0xffbff000, 0x1000) },
  ],
  [
    'the area of the hashes in the image',
    { secretArea: undefined, hashesArea: area(0xffffff00, 0x100) },
    [expect.stringMatching(/^error: the hashes area 0xffffff00 to 0xffffffff lies in the image itself/)],
    { secretArea: undefined },
  ],
  [
    'an area that reaches over 4 GiB',
    { secretArea: area(0xffff_f000, 0x1001) },
    ['error: the secret area 0xfffff000 to 0x100000000 reaches over 4 GiB'],
    { imageSize: 0, secretArea: area(0xffff_f000, 0x1000) },
  ],
  [
    'the largest numbers that there are',
    { secretArea: area(0xffff_ffff, 0xffff_ffff) },
    ['error: the secret area 0xffffffff to 0x1fffffffd reaches over 4 GiB'],
    {},
  ],
  [
    'an area in memory that firmware works in',
    { secretArea: area(0x82f000, 0x1000) },
    [
      'warning: the secret area 0x82f000 to 0x82ffff lies in 0x811000 to 0x82ffff, where firmware works, says a ' +
        'section of type 1 of its SEV metadata',
    ],
    { secretArea: area(0x830000, 0x1000) },
  ],
  [
    "an area in the page of SEV-SNP's services",
    { secretArea: area(0x80f000, 0x1000) },
    [expect.stringMatching(/^warning: .* lies in 0x80f000 to 0x80ffff, where .* of type 4 of/)],
    { secretArea: area(0x810000, 0x1000), hashesArea: undefined },
  ],
])('%s', (_, faulty, expected, twin) => {
  expect(texts(faulty)).toEqual(expected);
  expect(texts(twin)).toEqual([]);
});

test('what edk2 ships is sound', () => {
  expect(texts({})).toEqual([]);
  expect(texts({ secretArea: undefined, hashesArea: undefined })).toEqual([]);
});
