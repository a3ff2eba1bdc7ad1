import {
  type EfiMemoryDescriptor as Descriptor,
  EFI_MEMORY_TYPE,
  EfiMemoryDescriptor,
} from '@sevlab/codec/efi/memory-map';
import { describe, expect, test } from 'vitest';
import { binsOf, type MemoryRange, memoryMap, ramOf } from './memory-map.ts';

const MIB = 1024n * 1024n;
const RUNTIME = 0x8000_0000_0000_0000n;
const SECRET_PAGE: MemoryRange = { type: 'EfiReservedMemoryType', start: 0x810000n, end: 0x811000n };

function mapFor(memorySize: bigint, ...given: MemoryRange[]): Descriptor[] {
  const { ranges, lowEnd } = ramOf(memorySize);
  return memoryMap(ranges, [...given, ...binsOf(lowEnd)]);
}

const endOf = ({ physicalStart, numberOfPages }: Descriptor): bigint => physicalStart + numberOfPages * 4096n;

/** The type of the region that a page belongs to. */
const typeAt = (map: readonly Descriptor[], address: bigint): number | undefined =>
  map.find((entry) => entry.physicalStart <= address && address < endOf(entry))?.type;

test('512 MiB: the bins lie where the AmdSev build of 2026.08 has them', () => {
  const shape = mapFor(512n * MIB, SECRET_PAGE).map(
    (entry) => `${entry.type}:${entry.physicalStart.toString(16)}-${(endOf(entry) - 1n).toString(16)}`,
  );
  expect(shape).toEqual([
    '7:0-9ffff',
    '7:100000-80ffff',
    '0:810000-810fff',
    '7:811000-1f4dcfff',
    '2:1f4dd000-1f4defff',
    '4:1f4df000-1f4eefff',
    '6:1f4ef000-1f5eefff',
    '5:1f5ef000-1f6eefff',
    '0:1f6ef000-1f76efff',
    '9:1f76f000-1f77efff',
    '10:1f77f000-1f7fefff',
    '7:1f7ff000-1fffffff',
  ]);
});

describe.each([64n, 512n, 2048n, 2816n, 4096n, 65536n])('%i MiB', (mib) => {
  const map = mapFor(mib * MIB, SECRET_PAGE);

  test('48 bytes each, with zeros in padding and virtual start', () => {
    for (const entry of map) {
      const bytes = EfiMemoryDescriptor.encode(entry);
      expect(bytes).toHaveLength(48);
      expect([...bytes.subarray(4, 8), ...bytes.subarray(16, 24), ...bytes.subarray(40)]).toEqual(
        new Array(20).fill(0),
      );
    }
  });

  test('one entry starts at the secret page, reserved, one page long', () => {
    expect(map.filter(({ physicalStart }) => physicalStart === 0x810000n)).toEqual([
      { type: 0, physicalStart: 0x810000n, virtualStart: 0n, numberOfPages: 1n, attribute: 0xfn },
    ]);
  });

  test('nothing overlaps, all is page aligned and has pages', () => {
    for (const [i, entry] of map.entries()) {
      expect(entry.physicalStart % 4096n).toBe(0n);
      expect(entry.numberOfPages).toBeGreaterThan(0n);
      const next = map[i + 1];
      if (next) expect(next.physicalStart).toBeGreaterThanOrEqual(endOf(entry));
    }
  });

  test('run time memory has RUNTIME, other RAM has not, and there are no access bits', () => {
    for (const { type, attribute } of map) {
      expect(attribute).toBe(type === 5 || type === 6 ? RUNTIME | 0xfn : 0xfn);
    }
    expect(map.filter(({ type }) => type === 5 || type === 6)).toHaveLength(2);
  });

  test('the neighbours of the secret page are free', () => {
    const neighbours = [0x80c000n, 0x80d000n, 0x80e000n, 0x80f000n, 0x811000n];
    expect(neighbours.map((page) => typeAt(map, page))).toEqual(new Array(5).fill(7));
  });

  test('all RAM is in the map, and only RAM', () => {
    const total = map.reduce((sum, { numberOfPages }) => sum + numberOfPages * 4096n, 0n);
    expect(total).toBe(mib * MIB - 0x60000n);
    expect(typeAt(map, 0xa0000n)).toBeUndefined();
    expect(typeAt(map, 0xffff_f000n)).toBeUndefined();
  });
});

test('RAM from 2816 MiB on goes above 4 GiB, as on q35', () => {
  expect(ramOf(2815n * MIB).lowEnd).toBe(2815n * MIB);
  expect(ramOf(2816n * MIB).lowEnd).toBe(2048n * MIB);
  expect(ramOf(4096n * MIB).ranges.at(-1)).toEqual({
    type: 'EfiConventionalMemory',
    start: 0x1_0000_0000n,
    end: 0x1_8000_0000n,
  });
});

test.each([0n, 64n * MIB - 4096n, 64n * MIB + 1n, 64n * 1024n * MIB + 4096n, -4096n])(
  '%i bytes are refused',
  (size) => {
    expect(() => ramOf(size)).toThrow(new RegExp(`expected a multiple of 4096.*got ${size}$`));
  },
);

describe('allocations', () => {
  test('the first allocation of a page decides', () => {
    const late: MemoryRange = { type: 'EfiLoaderData', start: 0x80f000n, end: 0x812000n };
    const map = mapFor(512n * MIB, SECRET_PAGE, late);
    expect([0x80f000n, 0x810000n, 0x811000n].map((page) => typeAt(map, page))).toEqual([2, 0, 2]);
  });

  test('a range outside RAM gives no entry', () => {
    const outside: MemoryRange = { type: 'EfiReservedMemoryType', start: 0xf000_0000n, end: 0xf000_1000n };
    expect(mapFor(512n * MIB, outside)).toEqual(mapFor(512n * MIB));
  });

  test('a range at the first or last page leaves no empty entry behind', () => {
    const first: MemoryRange = { type: 'EfiReservedMemoryType', start: 0n, end: 0x1000n };
    const map = mapFor(512n * MIB, first, { ...first, start: 0x9f000n, end: 0xa0000n });
    expect(map.slice(0, 3).map(({ type, numberOfPages }) => [type, numberOfPages])).toEqual([
      [EFI_MEMORY_TYPE.EfiReservedMemoryType, 1n],
      [EFI_MEMORY_TYPE.EfiConventionalMemory, 158n],
      [EFI_MEMORY_TYPE.EfiReservedMemoryType, 1n],
    ]);
  });
});
