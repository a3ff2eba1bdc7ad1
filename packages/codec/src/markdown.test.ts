import { expect, test } from 'vitest';
import { at, reserved, struct, u32le, u64le } from './layout.ts';
import { structTable } from './markdown.ts';
import { PacketHeader } from './sev/packet.ts';

test('the packet header', () => {
  expect(structTable(PacketHeader)).toBe(`\
| Offset | Size | Field | Type | Meaning |
| --- | --- | --- | --- | --- |
| 0x00 | 4 | \`flags\` | u32le | FLAGS. Bit 0: COMPRESSED; the others are authenticated and not looked at. |
| 0x04 | 16 | \`iv\` | bytes(16) | IV: initial counter block of AES-128-CTR under the TEK. |
| 0x14 | 32 | \`mac\` | bytes(32) | MAC: HMAC-SHA-256 under the TIK. |
`);
});

test('reserved fields are rows too, and a bar in a sentence is no column', () => {
  const Sample = struct('sample', 'none', {
    choice: at(0x00, u32le, 'tcp|unix.'),
    hole: at(0x04, reserved(0x100), ''),
    far: at(0x104, u64le, 'Behind it.'),
  });
  expect(structTable(Sample).split('\n').slice(2)).toEqual([
    '| 0x00 | 4 | `choice` | u32le | tcp\\|unix. |',
    '| 0x04 | 256 | `hole` | reserved(256) |  |',
    '| 0x104 | 8 | `far` | u64le | Behind it. |',
    '',
  ]);
});
