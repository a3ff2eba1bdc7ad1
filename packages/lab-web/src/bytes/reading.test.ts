import { expect, test } from 'vitest';
import { COPY_FORMS, readingsAt } from './reading.ts';

const bytes = Uint8Array.from([0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88, 0xff]);

test('integers of every size, both ways round', () => {
  expect(readingsAt(bytes, 0)).toEqual([
    { type: 'u8', little: '0x1 (1)', big: '0x1 (1)' },
    { type: 'u16', little: '0x201 (513)', big: '0x102 (258)' },
    { type: 'u32', little: '0x4030201 (67305985)', big: '0x1020304 (16909060)' },
    {
      type: 'u64',
      little: '0x8807060504030201 (9801809732607083009)',
      big: '0x102030405060788 (72623859790382984)',
    },
  ]);
});

test.each([
  [1, 4],
  [2, 3],
  [5, 3],
  [6, 2],
  [7, 2],
  [8, 1],
  [9, 0],
])('from byte %i on there are %i of them', (offset, count) => {
  expect(readingsAt(bytes, offset)).toHaveLength(count);
});

test('bytes of a larger buffer are read from where they start', () => {
  expect(readingsAt(bytes.subarray(7), 0)[1]?.big).toBe('0x88ff (35071)');
});

test('each form of copying', () => {
  const copied = Object.fromEntries(COPY_FORMS.map(({ name, write }) => [name, write(bytes.subarray(0, 3))]));
  expect(copied).toEqual({
    hex: '010203',
    base64: 'AQID',
    'C array': 'static const unsigned char bytes[3] = {\n  0x01, 0x02, 0x03,\n};\n',
  });
  const long = COPY_FORMS.at(-1)!.write(new Uint8Array(25));
  expect(long.split('\n').filter((line) => line.includes('0x00'))).toHaveLength(3);
});
