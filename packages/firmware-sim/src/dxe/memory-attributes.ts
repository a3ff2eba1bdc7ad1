import assert from 'node:assert/strict';
import {
  EFI_MEMORY_ATTRIBUTES_TABLE_VERSION,
  EfiMemoryAttributesTable,
} from '@sevlab/codec/efi/memory-attributes';
import { EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import type { EfiConfigurationTable } from '@sevlab/codec/efi/system-table';
import { EFI_MEMORY_ATTRIBUTES_TABLE_GUID } from '@sevlab/codec/guid';
import type { GuestMemory } from '@sevlab/machine/machine';
import { allocatePool, type Pool } from './pool.ts';

/**
 * edk2 MdeModulePkg/Core/Dxe/Misc/MemoryAttributesTable.c, InstallMemoryAttributesTable, in boot services memory: the
 * kernel reserves it by itself. It has no entries, since there is no code of run time drivers to protect.
 */
export function memoryAttributes(memory: GuestMemory, bootServicesData: Pool): EfiConfigurationTable {
  const table = allocatePool(bootServicesData, EfiMemoryAttributesTable.size);
  assert(table !== undefined, 'the BootServicesData bin is far larger than the tables');
  memory.writePrivate(
    table,
    EfiMemoryAttributesTable.encode({
      version: EFI_MEMORY_ATTRIBUTES_TABLE_VERSION,
      numberOfEntries: 0,
      descriptorSize: EfiMemoryDescriptor.size,
      flags: 0,
    }),
  );
  return { vendorGuid: EFI_MEMORY_ATTRIBUTES_TABLE_GUID, vendorTable: table };
}
