import { expect, test } from 'vitest';
import capture from '../../test/vectors/efi/amdsev-202608-512M.json' with { type: 'json' };
import { gpa } from '../address.ts';
import { fromHex, toHex } from '../bytes.ts';
import { EFI_MEMORY_RUNTIME, EFI_MEMORY_TYPE, EfiMemoryDescriptor } from './memory-map.ts';

// Entry 8 of the map of a 512 MiB guest, OVMF AmdSev 2026.08.
const RESERVED_PAGE = fromHex(
  '00000000 00000000 0000810000000000 0000000000000000 0100000000000000 0f00000000000000 0000000000000000',
);

test('a real descriptor, 48 bytes with zeros in what nobody uses', () => {
  expect(EfiMemoryDescriptor.size).toBe(capture.descsize);
  const descriptor = EfiMemoryDescriptor.decode(RESERVED_PAGE);
  expect(descriptor).toEqual({
    type: EFI_MEMORY_TYPE.EfiReservedMemoryType,
    physicalStart: 0x810000n,
    virtualStart: 0n,
    numberOfPages: 1n,
    attribute: 0xfn,
  });
  expect(toHex(EfiMemoryDescriptor.encode(descriptor))).toBe(toHex(RESERVED_PAGE));
});

test('the types and attributes of a real map have the names that another decoder gave them', () => {
  for (const { type, name, attr } of capture.memmap) {
    expect(EFI_MEMORY_TYPE).toHaveProperty(name, type);
    const runtime = name.startsWith('EfiRuntimeServices');
    expect((BigInt(attr) & EFI_MEMORY_RUNTIME) !== 0n, `${name} at run time`).toBe(runtime);
  }
});

test('a start above 2^64 is refused, not wrapped', () => {
  const descriptor = EfiMemoryDescriptor.decode(RESERVED_PAGE);
  expect(() => EfiMemoryDescriptor.encode({ ...descriptor, physicalStart: gpa(1n << 64n) })).toThrow(
    RangeError,
  );
});
