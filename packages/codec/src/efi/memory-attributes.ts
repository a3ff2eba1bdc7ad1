import { at, struct, u32le, type ValueOf } from '../layout.ts';

/** The version since UEFI 2.10, which gave the last field a meaning. */
export const EFI_MEMORY_ATTRIBUTES_TABLE_VERSION = 2;

/** Which parts of run time memory may be written or executed; memory descriptors follow. 16 bytes. */
export const EfiMemoryAttributesTable = struct(
  'EFI_MEMORY_ATTRIBUTES_TABLE',
  'UEFI specification, EFI_MEMORY_ATTRIBUTES_TABLE',
  {
    version: at(0x00, u32le, '2; 1 before UEFI 2.10.'),
    numberOfEntries: at(0x04, u32le, 'Descriptors behind this header.'),
    descriptorSize: at(0x08, u32le, 'Stride of the descriptors, in bytes.'),
    flags: at(0x0c, u32le, 'Bit 0: run time code can be used with control flow guards.'),
  },
);
export type EfiMemoryAttributesTable = ValueOf<typeof EfiMemoryAttributesTable>;
