import { gpa } from '@sevlab/codec/address';
import { E820_TYPE } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_TYPE, type EfiMemoryDescriptor, type EfiMemoryType } from '@sevlab/codec/efi/memory-map';
import { describe, expect, test } from 'vitest';
import s3On512 from '../test/vectors/amdsev-202608-512M.json' with { type: 'json' };
import s3On2048 from '../test/vectors/amdsev-202608-2048M.json' with { type: 'json' };
import s3Off512 from '../test/vectors/amdsev-202608-s3off-512M.json' with { type: 'json' };
import s3Off2048 from '../test/vectors/amdsev-202608-s3off-2048M.json' with { type: 'json' };
import generic2022 from '../test/vectors/generic-202211-512M.json' with { type: 'json' };
import generic2026 from '../test/vectors/generic-202608-512M.json' with { type: 'json' };
import { e820Of } from './e820.ts';

const captures = { s3On512, s3On2048, s3Off512, s3Off2048, generic2022, generic2026 };

describe('the e820 map that a real kernel made of a real memory map', () => {
  test.each(Object.entries(captures))('%s', (_, capture) => {
    const map = capture.memmap.map(({ type, phys, pages, attr }) => ({
      type,
      physicalStart: gpa(BigInt(phys)),
      virtualStart: gpa(0n),
      numberOfPages: BigInt(pages),
      attribute: BigInt(attr),
    }));
    expect(e820Of(map)).toEqual(
      capture.e820.map(({ addr, size, type }) => ({ addr: BigInt(addr), size: BigInt(size), type })),
    );
  });

  test('there are 20 entries with S3 and 13 without', () => {
    expect(s3On512.e820).toHaveLength(20);
    expect(s3Off512.e820).toHaveLength(13);
  });
});

const descriptor = (type: number, page: number, pages = 1): EfiMemoryDescriptor => ({
  type,
  physicalStart: gpa(BigInt(page) * 4096n),
  virtualStart: gpa(0n),
  numberOfPages: BigInt(pages),
  attribute: 0xfn,
});

// drivers/firmware/efi/libstub/x86-stub.c, setup_e820.
const EXPECTED: Record<EfiMemoryType, keyof typeof E820_TYPE> = {
  EfiReservedMemoryType: 'RESERVED',
  EfiLoaderCode: 'RAM',
  EfiLoaderData: 'RAM',
  EfiBootServicesCode: 'RAM',
  EfiBootServicesData: 'RAM',
  EfiRuntimeServicesCode: 'RESERVED',
  EfiRuntimeServicesData: 'RESERVED',
  EfiConventionalMemory: 'RAM',
  EfiUnusableMemory: 'UNUSABLE',
  EfiACPIReclaimMemory: 'ACPI',
  EfiACPIMemoryNVS: 'NVS',
  EfiMemoryMappedIO: 'RESERVED',
  EfiMemoryMappedIOPortSpace: 'RESERVED',
  EfiPalCode: 'RESERVED',
  EfiPersistentMemory: 'PMEM',
};

test.each(Object.entries(EXPECTED))('%s becomes %s', (efi, e820) => {
  const type = EFI_MEMORY_TYPE[efi as EfiMemoryType]; // the keys of EXPECTED are its type
  expect(e820Of([descriptor(type, 1)])).toEqual([{ addr: 0x1000n, size: 0x1000n, type: E820_TYPE[e820] }]);
});

test('unknown types leave a hole', () => {
  expect(e820Of([descriptor(15, 1), descriptor(0x7000_0000, 2)])).toEqual([]);
});

test('only neighbours in the list that touch and agree are joined', () => {
  const {
    EfiLoaderData: data,
    EfiConventionalMemory: free,
    EfiReservedMemoryType: reserved,
  } = EFI_MEMORY_TYPE;
  const starts = (map: EfiMemoryDescriptor[]) => e820Of(map).map(({ addr, size }) => [addr, size]);
  expect(starts([descriptor(free, 1, 2), descriptor(data, 3)])).toEqual([[0x1000n, 0x3000n]]);
  expect(starts([descriptor(free, 1), descriptor(free, 3)])).toEqual([
    [0x1000n, 0x1000n],
    [0x3000n, 0x1000n],
  ]);
  expect(starts([descriptor(free, 2), descriptor(free, 1)])).toHaveLength(2);
  expect(starts([descriptor(free, 1), descriptor(reserved, 2), descriptor(free, 3)])).toHaveLength(3);
});
