import { type Gpa, gpa, guestAddress } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { guid, NULL_GUID } from '@sevlab/codec/guid';
import { at, reserved, struct, u16le, u32le, u64le, type ValueOf } from '@sevlab/codec/layout';
import type { GuestMemory } from '@sevlab/machine/machine';

/** In front of every hand-off block. 8 bytes. */
export const HobHeader = struct('EFI_HOB_GENERIC_HEADER', 'edk2 MdePkg/Include/Pi/PiHob.h', {
  hobType: at(0x00, u16le, 'EFI_HOB_TYPE_….'),
  hobLength: at(0x02, u16le, 'Length with this header, in bytes.'),
  reserved04: at(0x04, reserved(4), ''),
});

/** Memory that PEI has given away. 48 bytes. */
export const MemoryAllocationHob = struct(
  'EFI_HOB_MEMORY_ALLOCATION',
  'edk2 MdePkg/Include/Pi/PiHob.h: EFI_HOB_MEMORY_ALLOCATION_HEADER',
  {
    hobType: at(0x00, u16le, 'EFI_HOB_TYPE_MEMORY_ALLOCATION, 2.'),
    hobLength: at(0x02, u16le, '0x30.'),
    reserved04: at(0x04, reserved(4), ''),
    name: at(0x08, guid, 'NULL_GUID, unless the memory has a purpose of its own.'),
    memoryBaseAddress: at(0x18, guestAddress, 'First byte.'),
    memoryLength: at(0x20, u64le, 'Length, in bytes.'),
    memoryType: at(0x28, u32le, 'EFI_MEMORY_TYPE.'),
    reserved2c: at(0x2c, reserved(4), ''),
  },
);
export type MemoryAllocationHob = ValueOf<typeof MemoryAllocationHob>;

const EFI_HOB_TYPE_MEMORY_ALLOCATION = 0x0002;
const EFI_HOB_TYPE_END_OF_HOB_LIST = 0xffff;

/** The block for memory that was given away. Base and length in bytes, type of EFI_MEMORY_TYPE. */
export const memoryAllocation = (base: bigint, length: number, memoryType: number): MemoryAllocationHob => ({
  hobType: EFI_HOB_TYPE_MEMORY_ALLOCATION,
  hobLength: MemoryAllocationHob.size,
  name: NULL_GUID,
  memoryBaseAddress: gpa(base),
  memoryLength: BigInt(length),
  memoryType,
});

/** Writes the list for DXE. NOT MODELLED: the hand-off information table and blocks of other types. */
export function writeHobList(memory: GuestMemory, hobList: Gpa, hobs: readonly MemoryAllocationHob[]): void {
  const end = HobHeader.encode({ hobType: EFI_HOB_TYPE_END_OF_HOB_LIST, hobLength: HobHeader.size });
  memory.writePrivate(hobList, concat(...hobs.map((hob) => MemoryAllocationHob.encode(hob)), end));
}

/** The memory that PEI has given away, in the order of the list. */
export function* readHobList(memory: GuestMemory, hobList: Gpa): Generator<MemoryAllocationHob> {
  for (let at: bigint = hobList; ; ) {
    const { hobType, hobLength } = HobHeader.decode(memory.readPrivate(gpa(at), HobHeader.size));
    if (hobType === EFI_HOB_TYPE_END_OF_HOB_LIST) return;
    yield MemoryAllocationHob.decode(memory.readPrivate(gpa(at), MemoryAllocationHob.size));
    at += BigInt(hobLength);
  }
}
