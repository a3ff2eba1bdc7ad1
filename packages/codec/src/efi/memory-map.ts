import { guestAddress } from '../address.ts';
import { at, reserved, struct, u32le, u64le, type ValueOf } from '../layout.ts';

/** EFI_MEMORY_TYPE (UEFI specification, EFI_BOOT_SERVICES.AllocatePages). */
export const EFI_MEMORY_TYPE = {
  EfiReservedMemoryType: 0,
  EfiLoaderCode: 1,
  EfiLoaderData: 2,
  EfiBootServicesCode: 3,
  EfiBootServicesData: 4,
  EfiRuntimeServicesCode: 5,
  EfiRuntimeServicesData: 6,
  EfiConventionalMemory: 7,
  EfiUnusableMemory: 8,
  EfiACPIReclaimMemory: 9,
  EfiACPIMemoryNVS: 10,
  EfiMemoryMappedIO: 11,
  EfiMemoryMappedIOPortSpace: 12,
  EfiPalCode: 13,
  EfiPersistentMemory: 14,
} as const;
export type EfiMemoryType = keyof typeof EFI_MEMORY_TYPE;

/** Attributes of RAM in OVMF: UC, WC, WT and WB possible (UEFI specification, EFI_MEMORY_DESCRIPTOR). */
export const EFI_MEMORY_RAM = 0xfn;

/** Write-back is possible. */
export const EFI_MEMORY_WB = 8n;

/** The region needs a virtual mapping at run time. */
export const EFI_MEMORY_RUNTIME: bigint = 1n << 63n;

/** Bytes. */
export const EFI_PAGE_SIZE = 4096;

/**
 * One region of the memory map. The structure has 40 bytes; edk2 reports a descriptor size of 48, so that nobody
 * takes sizeof for the stride, and clears the other 8 (edk2 MdeModulePkg, CoreGetMemoryMap).
 */
export const EfiMemoryDescriptor = struct('EFI_MEMORY_DESCRIPTOR', 'UEFI specification, GetMemoryMap', {
  type: at(0x00, u32le, 'EFI_MEMORY_TYPE.'),
  padding04: at(0x04, reserved(4), ''),
  physicalStart: at(0x08, guestAddress, 'First byte; page aligned.'),
  virtualStart: at(0x10, guestAddress, 'Zero before SetVirtualAddressMap.'),
  numberOfPages: at(0x18, u64le, 'Length in pages of 4 KiB.'),
  attribute: at(0x20, u64le, 'EFI_MEMORY_… bits.'),
  stride28: at(0x28, reserved(8), "edk2's addition to the stride."),
});
export type EfiMemoryDescriptor = ValueOf<typeof EfiMemoryDescriptor>;
