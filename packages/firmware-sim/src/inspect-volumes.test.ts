import { concat, fromHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encoded, file, padded, section, volume } from '../test/firmware-volume.ts';
import { readModules } from './inspect-volumes.ts';

const VARIABLES = 'fff12b8d-7696-4c8b-a985-2747075b4f50';
const LZMA = 'ee4e5898-3914-4259-9d6e-dc7bd79403cf';
const CRC32 = 'fc1bcdb0-7d31-49aa-936a-a4600d9dd083';
const PEIM = 0x06;
const PAD = 0xf0;
const VOLUME_IMAGE = 0x0b;
const A = '45260dde-0c3c-4b41-a226-ef3803fac7d4';
const B = '6e2b9619-8810-4e9d-a177-d432bb9abeda';
const OUTER = '9e21fd93-9c72-4c15-8c4b-e77f1db2d792';

const peim = (name: string, length = 5): Uint8Array => file(name, PEIM, new Uint8Array(length));
const nested = (...sections: Uint8Array[]): Uint8Array =>
  volume([file(OUTER, VOLUME_IMAGE, concat(...sections.map((each) => padded(each, 4))))]);

const read = (...parts: Uint8Array[]) => {
  const { fileGuids, unread } = readModules(concat(...parts));
  return { modules: [...fileGuids], unread };
};

describe('modules that can be seen', () => {
  test.each<[string, Uint8Array[], string[]]>([
    ['two files, with space behind each', [volume([peim(A), peim(B, 6)])], [A, B]],
    ['a volume behind a page of something else', [new Uint8Array(4096), volume([peim(A)])], [A]],
    ['two volumes', [volume([peim(A)]), volume([peim(B)])], [A, B]],
    ['an extended header of 20 bytes', [volume([peim(A)], { extended: true })], [A]],
    [
      'a file of padding, whose name is that of erased memory',
      [volume([file('ffffffff-ffff-ffff-ffff-ffffffffffff', PAD, new Uint8Array(9)), peim(A)])],
      ['ffffffff-ffff-ffff-ffff-ffffffffffff', A],
    ],
    [
      'a volume in a file',
      [nested(section(0x19, new Uint8Array(3)), section(0x17, volume([peim(A)])))],
      [OUTER, A],
    ],
    [
      'a volume in a section that carries a checksum',
      [nested(encoded(CRC32, 2, section(0x17, volume([peim(A)]))))],
      [OUTER, A],
    ],
  ])('%s', (_, parts, modules) => {
    expect(read(...parts)).toEqual({ modules, unread: undefined });
  });
});

const flagged = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
};

const NOTHING = /^there is no firmware volume with modules$/;

describe('modules that may be there', () => {
  test.each<[string, Uint8Array[], string[], RegExp]>([
    ['no volume', [new Uint8Array(4096)], [], NOTHING],
    ['a volume of variables', [volume([peim(A)], { fileSystem: VARIABLES })], [], NOTHING],
    ['a volume without files', [volume([])], [], NOTHING],
    ['a signature and nothing else', [fromHex('5f465648')], [], NOTHING],
    ['a volume that is cut off', [volume([peim(A)]).subarray(0, -1)], [], NOTHING],
    [
      'LZMA',
      [nested(encoded(LZMA, 1, new Uint8Array(9)))],
      [OUTER],
      new RegExp(`compressed, as ${LZMA} says$`),
    ],
    [
      'the old compression',
      [nested(section(1, new Uint8Array(9)))],
      [OUTER],
      /^a firmware volume is compressed$/,
    ],
    [
      'LZMA beside a volume',
      [nested(encoded(LZMA, 1, new Uint8Array(9))), volume([peim(B)])],
      [OUTER, B],
      /compressed/,
    ],
    [
      'content that starts in its own header',
      [nested(encoded(CRC32, 2, new Uint8Array(9), 0))],
      [OUTER],
      /compressed/,
    ],
    ['a file over the end', [volume([flagged(peim(A), 0x16, 1)])], [], /^the file 45260dde-.* is damaged/],
    ['a file shorter than its header', [volume([flagged(peim(A), 0x14, 23)])], [], /is damaged/],
    ['a file of 16 MiB', [volume([file(A, PEIM, new Uint8Array(8), 1)])], [], /16 MiB and more$/],
    [
      'a section over the end',
      [nested(flagged(section(0x17, new Uint8Array(4)), 1, 1))],
      [OUTER],
      /section is damaged/,
    ],
    [
      'a section of length 0',
      [nested(flagged(section(0x17, new Uint8Array(4)), 0, 0))],
      [OUTER],
      /section is damaged/,
    ],
  ])('%s', (_, parts, modules, unread) => {
    expect(read(...parts)).toEqual({ modules, unread: expect.stringMatching(unread) });
  });

  test('sections in sections in sections', () => {
    const deep = (levels: number): Uint8Array =>
      levels === 0 ? section(0x17, volume([peim(A)])) : encoded(CRC32, 2, deep(levels - 1));
    expect(read(nested(deep(6)))).toEqual({ modules: [OUTER, A], unread: undefined });
    expect(read(nested(deep(7)))).toEqual({ modules: [OUTER], unread: 'volumes are nested too deeply' });
  });
});

test('any damage is read to an end', () => {
  const whole = concat(
    nested(encoded(CRC32, 2, section(0x17, volume([peim(A), peim(B)])))),
    volume([peim(B)], { extended: true }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }), (damage) => {
      const bytes = whole.slice();
      for (const [at, value] of damage) bytes[at] = value;
      const { fileGuids, unread } = readModules(bytes);
      expect(fileGuids.size).toBeLessThan(100);
      expect(typeof unread).toMatch(/string|undefined/);
    }),
  );
});
