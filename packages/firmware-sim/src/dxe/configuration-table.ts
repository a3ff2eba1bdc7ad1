import type { Gpa } from '@sevlab/codec/address';
import type { EfiConfigurationTable } from '@sevlab/codec/efi/system-table';
import type { Guid } from '@sevlab/codec/guid';

/** What a driver asks for: its table, or without an address that there be none. */
export interface TableToInstall {
  readonly vendorGuid: Guid;
  readonly vendorTable: Gpa | undefined;
}

/**
 * edk2 MdeModulePkg/Core/Dxe/Misc/InstallConfigurationTable.c, CoreInstallConfigurationTable: a table that is there gets
 * the new address in its place, a new one comes last, and one that is taken out leaves no gap.
 */
export function installConfigurationTable(
  installed: readonly EfiConfigurationTable[],
  { vendorGuid, vendorTable }: TableToInstall,
): readonly EfiConfigurationTable[] {
  const at = installed.findIndex((table) => table.vendorGuid === vendorGuid);
  if (vendorTable === undefined) return installed.filter((_, i) => i !== at);
  const table = { vendorGuid, vendorTable };
  return at === -1 ? [...installed, table] : installed.with(at, table);
}
