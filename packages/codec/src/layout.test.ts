import { expect, test } from 'vitest';
import {
  ascii,
  at,
  bytes,
  LengthError,
  nested,
  reserved,
  struct,
  u8,
  u16le,
  u32le,
  u64le,
} from './layout.ts';

const Mixed = struct('mixed', 'none', {
  tag: at(0x00, ascii(4), 'Four letters.'),
  small: at(0x04, u8, 'One byte.'),
  hole: at(0x05, reserved(1), ''),
  middle: at(0x06, u16le, 'Two bytes.'),
  large: at(0x08, u32le, 'Four bytes.'),
  huge: at(0x0c, u64le, 'Eight bytes.'),
  blob: at(0x14, bytes(3), 'Three bytes.'),
});
const value = {
  tag: 'EL64',
  small: 0x12,
  middle: 0x3456,
  large: 0x789abcde,
  huge: 0x0123456789abcdefn,
  blob: Uint8Array.of(7, 8, 9),
};
const wire = Uint8Array.from([
  ...[0x45, 0x4c, 0x36, 0x34, 0x12, 0x00, 0x56, 0x34, 0xde, 0xbc, 0x9a, 0x78],
  ...[0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 7, 8, 9],
]);

test('integers are little endian, bytes and text as they are', () => {
  expect(Mixed.encode(value)).toEqual(wire);
  expect(Mixed.decode(wire)).toEqual(value);
});

test('the size is the sum of the fields; the padded size is what a C compiler makes of it', () => {
  expect([Mixed.size, Mixed.paddedSize]).toEqual([23, 24]);
  const Packed = struct('packed', 'none', { tail: at(0, bytes(5), '') });
  expect([Packed.size, Packed.paddedSize]).toEqual([5, 5]);
});

test.each([
  ['a gap', { a: at(0, u32le, ''), b: at(8, u32le, '') }, 's.b declared at 0x8, expected 0x4'],
  ['an overlap', { a: at(0, u64le, ''), b: at(4, u32le, '') }, 's.b declared at 0x4, expected 0x8'],
  ['a start after 0', { a: at(1, u8, '') }, 's.a declared at 0x1, expected 0x0'],
  ['a wrong order', { b: at(4, u32le, ''), a: at(0, u32le, '') }, 's.b declared at 0x4, expected 0x0'],
])('%s in the written offsets is refused when declared', (_, fields, message) => {
  expect(() => struct('s', 'none', fields)).toThrow(message);
});

test.each([
  ['small', 256, 'mixed.small: expected an integer from 0 to 255, got 256'],
  ['small', -1, 'mixed.small: expected an integer from 0 to 255, got -1'],
  ['middle', 0x10000, 'mixed.middle: expected an integer from 0 to 65535, got 65536'],
  ['large', 2 ** 32, 'mixed.large: expected an integer from 0 to 4294967295, got 4294967296'],
  ['large', 0.5, 'mixed.large: expected an integer from 0 to 4294967295, got 0.5'],
  ['large', Number.NaN, 'mixed.large: expected an integer from 0 to 4294967295, got NaN'],
  ['huge', -1n, 'mixed.huge: expected an integer from 0 to 2^64-1, got -1'],
  ['huge', 1n << 64n, 'mixed.huge: expected an integer from 0 to 2^64-1, got 18446744073709551616'],
  ['tag', 'EL6→', 'mixed.tag: expected characters up to U+00FF, got "EL6→"'],
])('%s: %s does not fit and does not wrap', (field, wrong, message) => {
  expect(() => Mixed.encode({ ...value, [field]: wrong })).toThrow(new RangeError(message));
});

test.each([
  ['small', 0xff],
  ['middle', 0xffff],
  ['large', 0xffffffff],
  ['huge', (1n << 64n) - 1n],
])('the largest %s fits', (field, largest) => {
  expect(Mixed.decode(Mixed.encode({ ...value, [field]: largest }))).toEqual({ ...value, [field]: largest });
});

test.each([
  ['blob', new Uint8Array(2), 'mixed.blob: expected 3 bytes, got 2', 3, 2],
  ['blob', new Uint8Array(4), 'mixed.blob: expected 3 bytes, got 4', 3, 4],
  ['tag', 'EL', 'mixed.tag: expected 4 bytes, got 2', 4, 2],
])('%s of another length is a LengthError', (field, wrong, message, expected, actual) => {
  const encode = () => Mixed.encode({ ...value, [field]: wrong });
  expect(encode).toThrow(LengthError);
  expect(encode).toThrow(message);
  expect(encode).toThrow(expect.objectContaining({ name: 'LengthError', expected, actual }));
});

test('decode takes exactly the size', () => {
  expect(() => Mixed.decode(wire.subarray(1))).toThrow(new LengthError('mixed', 23, 22));
  expect(() => Mixed.decode(Uint8Array.of(...wire, 0))).toThrow('mixed: expected 23 bytes, got 24');
});

test('decodeAt reads inside a larger buffer, and inside a window of one', () => {
  const around = Uint8Array.of(0xff, 0xff, ...wire, 0xff);
  expect(Mixed.decodeAt(around, 2)).toEqual(value);
  expect(Mixed.decodeAt(around.subarray(1), 1)).toEqual(value);
  expect(() => Mixed.decodeAt(around, 4)).toThrow(new LengthError('mixed', 23, 22));
  expect(() => Mixed.decodeAt(around, -1)).toThrow(RangeError);
});

test('decoded bytes are a copy', () => {
  for (const input of [wire.slice(), Buffer.from(wire)]) {
    const { blob } = Mixed.decode(input);
    input.fill(0);
    expect(blob).toEqual(Uint8Array.of(7, 8, 9));
  }
});

test('reserved bytes are skipped by decode, zero in encode, shown by annotate', () => {
  const dirty = wire.slice();
  dirty[5] = 0xaa;
  expect(Mixed.decode(dirty)).toEqual(value);
  expect(Mixed.encode(Mixed.decode(dirty))[5]).toBe(0);
  const shown = Mixed.annotate(dirty).find(({ name }) => name === 'hole');
  expect(shown).toEqual({
    ...{ name: 'hole', type: 'reserved(1)', offset: 5, size: 1, doc: '' },
    bytes: Uint8Array.of(0xaa),
  });
});

test('a structure in a structure is written, read and checked in its place', () => {
  const Pair = struct('pair', 'none', { left: at(0, u8, ''), right: at(1, u16le, '') });
  const Outer = struct('outer', 'none', { first: at(0, u8, ''), pair: at(1, nested(Pair), '') });
  const inner = { left: 2, right: 0x0403 };
  expect(Outer.encode({ first: 1, pair: inner })).toEqual(Uint8Array.of(1, 2, 3, 4));
  expect(Outer.decode(Uint8Array.of(1, 2, 3, 4))).toEqual({ first: 1, pair: inner });
  expect(() => Outer.encode({ first: 1, pair: { left: 256, right: 0 } })).toThrow(
    'outer.pair: pair.left: expected an integer from 0 to 255, got 256',
  );
});

test('text that is not ASCII still round-trips, one byte to one character', () => {
  const Text = struct('text', 'none', { text: at(0, ascii(2), '') });
  expect(Text.decode(Uint8Array.of(0x41, 0xff))).toEqual({ text: 'A\u00ff' });
  expect(Text.encode({ text: 'A\u00ff' })).toEqual(Uint8Array.of(0x41, 0xff));
});
