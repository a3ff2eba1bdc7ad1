import assert from 'node:assert/strict';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat, padTo } from '@sevlab/codec/bytes';
import {
  EFI_SYSTEM_TABLE_REVISION,
  EFI_SYSTEM_TABLE_SIGNATURE,
  EfiConfigurationTable,
  EfiSystemTable,
  encodeSystemTable,
} from '@sevlab/codec/efi/system-table';
import type { GuestMemory } from '@sevlab/machine/machine';
import { allocatePool, type Pool } from './dxe/pool.ts';

/** What the kernel prints behind "EFI v2.70 by". */
export const FIRMWARE_VENDOR = 'sevlab';

/** edk2 gives the configuration table room for this many entries at a time (CoreInstallConfigurationTable). */
const CONFIGURATION_TABLE_ROOM = 16;

/**
 * Writes the system table and what it points to, as they are after ExitBootServices: the console and boot services
 * fields are zero (edk2 MdeModulePkg/Core/Dxe/DxeMain/DxeMain.c, CoreExitBootServices). NOT MODELLED: runtime
 * services; their pointer is zero, so the kernel needs `efi=noruntime`.
 */
export function writeSystemTable(
  memory: GuestMemory,
  runtimeData: Pool,
  configuration: readonly EfiConfigurationTable[],
): Gpa {
  const place = (bytes: Uint8Array): Gpa => {
    const address = allocatePool(runtimeData, bytes.length);
    assert(address !== undefined, 'the RuntimeServicesData bin is far larger than the tables');
    memory.writePrivate(address, bytes);
    return address;
  };
  const entries = concat(...configuration.map((entry) => EfiConfigurationTable.encode(entry)));
  const nowhere = gpa(0n);
  return place(
    encodeSystemTable({
      signature: EFI_SYSTEM_TABLE_SIGNATURE,
      revision: EFI_SYSTEM_TABLE_REVISION,
      headerSize: EfiSystemTable.size,
      firmwareVendor: place(ucs2(FIRMWARE_VENDOR)),
      firmwareRevision: 0x0001_0000,
      consoleInHandle: nowhere,
      conIn: nowhere,
      consoleOutHandle: nowhere,
      conOut: nowhere,
      standardErrorHandle: nowhere,
      stdErr: nowhere,
      runtimeServices: nowhere,
      bootServices: nowhere,
      numberOfTableEntries: configuration.length,
      configurationTable: place(padTo(entries, CONFIGURATION_TABLE_ROOM * EfiConfigurationTable.size)),
    }),
  );
}

/** Text as EFI keeps it: 16-bit units, little endian, with a NUL behind. */
function ucs2(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * (text.length + 1));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
}
