import { type Gpa, gpa } from '@sevlab/codec/address';
import {
  BOOT_PARAMS_SIZE,
  E820_ENTRIES_OFFSET,
  E820_TABLE_OFFSET,
  E820Entry,
  EFI_INFO_OFFSET,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import { EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { EfiConfigurationTable, EfiSystemTable } from '@sevlab/codec/efi/system-table';
import { LINUX_EFI_COCO_SECRET_AREA_GUID } from '@sevlab/codec/guid';
import type { GuestMemory } from '@sevlab/machine/machine';

/** What a kernel finds from boot_params on, read as it would: only through the guest's own memory. */
export function findings(memory: GuestMemory, bootParams: Gpa) {
  const page = memory.readPrivate(bootParams, BOOT_PARAMS_SIZE);
  const info = EfiInfo.decodeAt(page, EFI_INFO_OFFSET);
  const map = Array.from({ length: info.efiMemmapSize / info.efiMemdescSize }, (_, i) =>
    EfiMemoryDescriptor.decode(
      memory.readPrivate(gpa(BigInt(info.efiMemmap + i * info.efiMemdescSize)), EfiMemoryDescriptor.size),
    ),
  );
  const systemTableBytes = memory.readPrivate(gpa(BigInt(info.efiSystab)), EfiSystemTable.size);
  const systemTable = EfiSystemTable.decode(systemTableBytes);
  const configuration = Array.from({ length: systemTable.numberOfTableEntries }, (_, i) =>
    EfiConfigurationTable.decode(
      memory.readPrivate(
        gpa(systemTable.configurationTable + BigInt(i * EfiConfigurationTable.size)),
        EfiConfigurationTable.size,
      ),
    ),
  );
  const secretLocations = configuration
    .filter(({ vendorGuid }) => vendorGuid === LINUX_EFI_COCO_SECRET_AREA_GUID)
    .map(({ vendorTable }) => vendorTable);
  const typeAt = (address: bigint): number | undefined =>
    map.find(
      ({ physicalStart: start, numberOfPages }) =>
        start <= address && address < start + numberOfPages * 4096n,
    )?.type;
  const e820 = Array.from({ length: page[E820_ENTRIES_OFFSET] ?? 0 }, (_, i) =>
    E820Entry.decodeAt(page, E820_TABLE_OFFSET + i * E820Entry.size),
  );
  return { page, info, map, systemTable, systemTableBytes, configuration, secretLocations, typeAt, e820 };
}
