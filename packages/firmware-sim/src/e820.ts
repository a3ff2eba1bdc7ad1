import { gpa } from '@sevlab/codec/address';
import { E820_TYPE, type E820Entry } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_TYPE, EFI_PAGE_SIZE, type EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';

/** drivers/firmware/efi/libstub/x86-stub.c, setup_e820. Types that are not here leave a hole. */
const E820_OF_EFI: ReadonlyMap<number, number> = new Map([
  [EFI_MEMORY_TYPE.EfiReservedMemoryType, E820_TYPE.RESERVED],
  [EFI_MEMORY_TYPE.EfiRuntimeServicesCode, E820_TYPE.RESERVED],
  [EFI_MEMORY_TYPE.EfiRuntimeServicesData, E820_TYPE.RESERVED],
  [EFI_MEMORY_TYPE.EfiMemoryMappedIO, E820_TYPE.RESERVED],
  [EFI_MEMORY_TYPE.EfiMemoryMappedIOPortSpace, E820_TYPE.RESERVED],
  [EFI_MEMORY_TYPE.EfiPalCode, E820_TYPE.RESERVED],
  [EFI_MEMORY_TYPE.EfiUnusableMemory, E820_TYPE.UNUSABLE],
  [EFI_MEMORY_TYPE.EfiACPIReclaimMemory, E820_TYPE.ACPI],
  [EFI_MEMORY_TYPE.EfiLoaderCode, E820_TYPE.RAM],
  [EFI_MEMORY_TYPE.EfiLoaderData, E820_TYPE.RAM],
  [EFI_MEMORY_TYPE.EfiBootServicesCode, E820_TYPE.RAM],
  [EFI_MEMORY_TYPE.EfiBootServicesData, E820_TYPE.RAM],
  [EFI_MEMORY_TYPE.EfiConventionalMemory, E820_TYPE.RAM],
  [EFI_MEMORY_TYPE.EfiACPIMemoryNVS, E820_TYPE.NVS],
  [EFI_MEMORY_TYPE.EfiPersistentMemory, E820_TYPE.PMEM],
]);

/**
 * The e820 map that the kernel's EFI stub makes of an EFI memory map (x86-stub.c, setup_e820): neighbours in the list
 * are joined when they touch and have one e820 type; attributes are not looked at. NOT MODELLED: EFI_MEMORY_SP
 * (soft-reserved memory) and unaccepted memory.
 */
export function e820Of(map: readonly EfiMemoryDescriptor[]): E820Entry[] {
  const entries: E820Entry[] = [];
  for (const { type: efiType, physicalStart, numberOfPages } of map) {
    const type = E820_OF_EFI.get(efiType);
    if (type === undefined) continue;
    const size = numberOfPages * BigInt(EFI_PAGE_SIZE);
    const last = entries.at(-1);
    if (last && last.type === type && last.addr + last.size === physicalStart) last.size += size;
    else entries.push({ addr: gpa(physicalStart), size, type });
  }
  return entries;
}
