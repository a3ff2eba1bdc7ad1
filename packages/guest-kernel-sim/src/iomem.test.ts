import { gpa } from '@sevlab/codec/address';
import { describe, expect, it } from 'vitest';
import { containsRamPage, formatIomem, iomemRegions } from './iomem.ts';

const e820 = (addr: bigint, end: bigint, type: number) => ({ addr: gpa(addr), size: end - addr, type });

describe('whole pages of RAM', () => {
  const iomem = iomemRegions([
    e820(0x100000n, 0x103000n, 1),
    e820(0x103000n, 0x104000n, 2),
    e820(0x104000n, 0x104800n, 1),
  ]);

  it.each([
    [0x101000n, 0x101fffn, true],
    [0x101000n, 0x101ffen, false],
    [0x101001n, 0x101fffn, false],
    [0x100800n, 0x1017ffn, false], // two halves are no page
    [0x100800n, 0x101fffn, true],
    [0x103000n, 0x103fffn, false],
    [0x102fffn, 0x103fffn, false],
    [0x102000n, 0x103fffn, true],
    [0x104000n, 0x104fffn, false], // the RAM itself ends within the page
    [0x200000n, 0x2fffffn, false],
  ])('%x-%x: %s', (start, last, contained) => {
    expect(containsRamPage(iomem, start, last)).toBe(contained);
  });
});

it('takes page 0 and the BIOS range out of RAM, as 6.1.192 did', () => {
  const map = [
    e820(0n, 0x200000n, 1),
    e820(0x200000n, 0x201000n, 3),
    e820(0x201000n, 0x202000n, 4),
    e820(0xb0000000n, 0xc0000000n, 2),
    e820(0x300000n, 0x300000n, 1),
  ];
  expect(formatIomem(iomemRegions(map), true)).toBe(
    '00000000-00000fff : Reserved\n' +
      '00001000-0009ffff : System RAM\n' +
      '00100000-001fffff : System RAM\n' +
      '00200000-00200fff : ACPI Tables\n' +
      '00201000-00201fff : ACPI Non-volatile Storage\n' +
      'b0000000-bfffffff : Reserved\n',
  );
});
