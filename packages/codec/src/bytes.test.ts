import { expect, test } from 'vitest';
import { fromBase64, fromHex, padTo, toBase64 } from './bytes.ts';

test.each(['0', 'abc', '0x00', 'zz', '00-11'])('fromHex refuses %j', (text) => {
  expect(() => fromHex(text)).toThrow(new SyntaxError('expected an even number of hexadecimal digits'));
});

test.each(['A', 'AA', 'AAA', 'AA=', 'A===', '====', 'AA==AA==', 'AA-_', 'AAAA=', 'é'])(
  'fromBase64 refuses %j',
  (text) => {
    expect(() => fromBase64(text)).toThrow(new SyntaxError('expected base64 text'));
  },
);

test('white space is allowed, as tools wrap their output', () => {
  expect(fromHex('0a 0B\n0c')).toEqual(Uint8Array.of(10, 11, 12));
  expect(fromBase64('AQID\nBA==\n')).toEqual(Uint8Array.of(1, 2, 3, 4));
});

test('base64 of more bytes than fit on a call stack', () => {
  const many = new Uint8Array(300_001).fill(0xfb);
  expect(toBase64(many)).toBe(Buffer.from(many).toString('base64'));
});

test('padTo does not cut', () => {
  expect(() => padTo(new Uint8Array(5), 4)).toThrow(RangeError);
});
