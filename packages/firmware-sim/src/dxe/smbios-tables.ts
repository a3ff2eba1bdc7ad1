import { concat } from '@sevlab/codec/bytes';
import type { EfiConfigurationTable } from '@sevlab/codec/efi/system-table';
import { NULL_GUID, SMBIOS_TABLE_GUID, SMBIOS3_TABLE_GUID } from '@sevlab/codec/guid';
import { encodeSmbios28EntryPoint, encodeSmbios30EntryPoint } from '@sevlab/codec/smbios/entry-point';
import {
  BIOS_CHARACTERISTICS_NOT_SUPPORTED,
  BIOS_NO_RELEASE,
  BIOS_UEFI_SUPPORTED,
  BIOS_VIRTUAL_MACHINE,
  SMBIOS_BIOS_INFORMATION,
  SMBIOS_END_OF_TABLE,
  SMBIOS_SYSTEM_INFORMATION,
  SmbiosBiosInformation,
  SmbiosHeader,
  SmbiosSystemInformation,
  WAKE_UP_UNKNOWN,
  withStrings,
} from '@sevlab/codec/smbios/structures';
import type { GuestMemory } from '@sevlab/machine/machine';
import { FIRMWARE_VENDOR } from '../system-table.ts';
import { type Pool, placeInPages } from './pool.ts';

export const PRODUCT_NAME = 'Simulated SEV guest';

/** The day on which virtual time starts. */
const RELEASE_DATE = '06/28/2022';

/**
 * The structures and both entry points, in RuntimeServicesData, each in pages of its own (edk2 MdeModulePkg/Universal/
 * SmbiosDxe/SmbiosDxe.c). `version` is the firmware's, for people to read. DEVIATION: edk2 has an SMBIOS 3.0 entry point
 * only when QEMU supplies structures of that version, and the other one then says 3.0 as well; here both kinds of reader
 * find what they know. NOT MODELLED: QEMU's structures for chassis, processor, memory and boot status.
 */
export function smbiosTables(
  memory: GuestMemory,
  runtimeData: Pool,
  version: string,
): EfiConfigurationTable[] {
  const structures = [biosInformation(version), systemInformation(), endOfTable()];
  const table = concat(...structures);
  const tableAt = placeInPages(memory, runtimeData, table);
  const entryPoint = encodeSmbios28EntryPoint({
    maximumStructureSize: Math.max(...structures.map(({ length }) => length)),
    structureTableLength: table.length,
    structureTableAddress: Number(tableAt),
    numberOfStructures: structures.length,
  });
  const entryPoint3 = encodeSmbios30EntryPoint({
    structureTableMaximumSize: table.length,
    structureTableAddress: tableAt,
  });
  return [
    { vendorGuid: SMBIOS_TABLE_GUID, vendorTable: placeInPages(memory, runtimeData, entryPoint) },
    { vendorGuid: SMBIOS3_TABLE_GUID, vendorTable: placeInPages(memory, runtimeData, entryPoint3) },
  ];
}

const biosInformation = (version: string): Uint8Array =>
  withStrings(
    SmbiosBiosInformation.encode({
      type: SMBIOS_BIOS_INFORMATION,
      length: SmbiosBiosInformation.size,
      handle: 0,
      vendor: 1,
      biosVersion: 2,
      biosStartingAddressSegment: 0,
      biosReleaseDate: 3,
      biosRomSize: 0, // as OVMF says, whatever the size of the image
      biosCharacteristics: BIOS_CHARACTERISTICS_NOT_SUPPORTED,
      extension1: 0,
      extension2: BIOS_UEFI_SUPPORTED | BIOS_VIRTUAL_MACHINE,
      systemBiosMajorRelease: BIOS_NO_RELEASE,
      systemBiosMinorRelease: BIOS_NO_RELEASE,
      embeddedControllerFirmwareMajorRelease: BIOS_NO_RELEASE,
      embeddedControllerFirmwareMinorRelease: BIOS_NO_RELEASE,
    }),
    [FIRMWARE_VENDOR, version, RELEASE_DATE],
  );

const systemInformation = (): Uint8Array =>
  withStrings(
    SmbiosSystemInformation.encode({
      type: SMBIOS_SYSTEM_INFORMATION,
      length: SmbiosSystemInformation.size,
      handle: 1,
      manufacturer: 1,
      productName: 2,
      version: 0,
      serialNumber: 0,
      uuid: NULL_GUID, // there is none
      wakeUpType: WAKE_UP_UNKNOWN,
      skuNumber: 0,
      family: 0,
    }),
    [FIRMWARE_VENDOR, PRODUCT_NAME],
  );

const endOfTable = (): Uint8Array =>
  withStrings(SmbiosHeader.encode({ type: SMBIOS_END_OF_TABLE, length: SmbiosHeader.size, handle: 2 }), []);
