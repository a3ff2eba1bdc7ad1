import { expect, test } from 'vitest';
import { fromHex, toHex } from './bytes.ts';
import { sum8, withChecksum8 } from './checksum8.ts';

test('the byte that makes the sum zero, whatever was there', () => {
  expect(toHex(withChecksum8(fromHex('0102ff04'), 2))).toBe('0102f904');
  expect(toHex(withChecksum8(fromHex('00'), 0))).toBe('00');
  expect(sum8(fromHex('ff 02 ff'))).toBe(0);
  expect(sum8(withChecksum8(new Uint8Array(1000).fill(0xff), 999))).toBe(0);
});

test('the bytes that are given stay as they are', () => {
  const bytes = fromHex('0102');
  withChecksum8(bytes, 0);
  expect(toHex(bytes)).toBe('0102');
});

test.each([-1, 2, 0.5, Number.NaN])('offset %s is refused', (offset) => {
  expect(() => withChecksum8(fromHex('0102'), offset)).toThrow(
    `expected an offset from 0 to 1, got ${offset}`,
  );
});
