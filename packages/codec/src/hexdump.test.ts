import { expect, test } from 'vitest';
import { spa } from './address.ts';
import { concat, fromHex } from './bytes.ts';
import { SecretEntry } from './efi/secret-table.ts';
import { describeValue, hexRows } from './hexdump.ts';
import { SevCertificate } from './sev/certificate.ts';
import { LaunchSecretBuffer } from './sev/command.ts';
import { PacketHeader } from './sev/packet.ts';

test('a command buffer, row by row', () => {
  const buffer = fromHex(`
    01000000 00000000 00000100 00000000 34000000 00000000 00c08000 01000000
    40000000 00000000 00100100 00000000 40000000`);
  expect(hexRows(LaunchSecretBuffer.annotate(buffer))).toEqual(
    [
      ['0000', '01 00 00 00', '....', 'handle', '0x1 (1)'],
      ['0004', '00 00 00 00', '....', 'reserved04', 'reserved'],
      ['0008', '00 00 01 00 00 00 00 00', '........', 'hdrPaddr', '0x10000'],
      ['0010', '34 00 00 00', '4...', 'hdrLen', '0x34 (52)'],
      ['0014', '00 00 00 00', '....', 'reserved14', 'reserved'],
      ['0018', '00 c0 80 00 01 00 00 00', '........', 'guestPaddr', '0x10080c000'],
      ['0020', '40 00 00 00', '@...', 'guestLen', '0x40 (64)'],
      ['0024', '00 00 00 00', '....', 'reserved24', 'reserved'],
      ['0028', '00 10 01 00 00 00 00 00', '........', 'transPaddr', '0x11000'],
      ['0030', '40 00 00 00', '@...', 'transLen', '0x40 (64)'],
    ].map(([offset, bytes, ascii, name, value]) => ({ offset, bytes, ascii, name, value })),
  );
});

test('a field of more than 16 bytes goes on below, equal rows once', () => {
  const mac = concat(
    new Uint8Array(4),
    new Uint8Array(16),
    Uint8Array.from({ length: 32 }, (_, i) => 0x41 + i),
  );
  const rows = hexRows(PacketHeader.annotate(mac)).filter(({ offset }) => offset >= '0014');
  expect(rows.map(({ offset, ascii, name, value }) => [offset, ascii, name, value])).toEqual([
    ['0014', 'ABCDEFGHIJKLMNOP', 'mac', '4142434445464748… (32 bytes)'],
    ['0024', 'QRSTUVWXYZ[\\]^_`', '', ''],
  ]);
  const key = new Uint8Array(0x824);
  key[0x410] = 9;
  const pubkey = hexRows(SevCertificate.annotate(key)).filter(
    ({ offset }) => offset >= '0010' && offset < '0414',
  );
  expect(pubkey.map(({ offset, bytes }) => [offset, bytes])).toEqual([
    ['0010', Array(16).fill('00').join(' ')],
    ['0020', '*'],
    ['0410', '09 00 00 00'],
  ]);
});

test('input that ends early is shown as far as it goes', () => {
  const rows = hexRows(SecretEntry.annotate(fromHex('e5696873f08473')));
  expect(rows).toEqual([
    {
      ...{ offset: '0000', bytes: 'e5 69 68 73 f0 84 73', ascii: '.ihs..s' },
      ...{ name: 'guid', value: 'cut off: 7 of 16 bytes' },
    },
    { offset: '0010', bytes: '', ascii: '', name: 'len', value: 'cut off: 0 of 4 bytes' },
  ]);
});

test.each<[unknown, string]>([
  [spa(0x810000n), '0x810000'],
  [0n, '0x0'],
  [52, '0x34 (52)'],
  [fromHex('01020304'), '01020304'],
  [fromHex('0102030405060708'), '0102030405060708'],
  [fromHex('010203040506070809'), '0102030405060708… (9 bytes)'],
  [new Uint8Array(32), '32 bytes of 00'],
  [new Uint8Array(0), ''],
  ['736869e5-84f0-4973-92ec-06879ce3da0b', '736869e5-84f0-4973-92ec-06879ce3da0b (disk passphrase)'],
  ['e6f5a162-d67f-4750-a67c-5d065f2a9910', 'e6f5a162-d67f-4750-a67c-5d065f2a9910'],
  ['IBI SYST', '"IBI SYST"'],
  ['202405\0\0', '"202405\\u0000\\u0000"'],
  [{ left: 1, right: 2n }, 'left 0x1 (1), right 0x2'],
  [undefined, 'undefined'],
])('%o is described as %j', (value, text) => {
  expect(describeValue(value)).toBe(text);
});
