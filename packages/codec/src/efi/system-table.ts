import { guestAddress } from '../address.ts';
import { guid } from '../guid.ts';
import { ascii, at, reserved, struct, u32le, type ValueOf } from '../layout.ts';
import { crc32 } from './crc32.ts';

/** "IBI SYST" as the u64 that Linux prints and compares: 0x5453595320494249. */
export const EFI_SYSTEM_TABLE_SIGNATURE = 'IBI SYST';

/** Version 2.7, which edk2 reports: major in the upper half, minor times ten plus patch in the lower. */
export const EFI_SYSTEM_TABLE_REVISION = 0x0002_0046;

/** EFI_SYSTEM_TABLE of a 64-bit firmware. 120 bytes. */
export const EfiSystemTable = struct('EFI_SYSTEM_TABLE', 'UEFI specification, EFI System Table', {
  signature: at(0x00, ascii(8), '"IBI SYST".'),
  revision: at(0x08, u32le, 'Major in the upper half, minor × 10 + patch in the lower.'),
  headerSize: at(0x0c, u32le, 'Size of the whole table, in bytes.'),
  crc32: at(0x10, u32le, 'CRC-32 of the table with this field zero.'),
  reserved14: at(0x14, reserved(4), ''),
  firmwareVendor: at(0x18, guestAddress, 'Address of a UCS-2 text that ends in NUL.'),
  firmwareRevision: at(0x20, u32le, "The vendor's own number."),
  padding24: at(0x24, reserved(4), ''),
  consoleInHandle: at(0x28, guestAddress, 'Zero after ExitBootServices.'),
  conIn: at(0x30, guestAddress, 'Zero after ExitBootServices.'),
  consoleOutHandle: at(0x38, guestAddress, 'Zero after ExitBootServices.'),
  conOut: at(0x40, guestAddress, 'Zero after ExitBootServices.'),
  standardErrorHandle: at(0x48, guestAddress, 'Zero after ExitBootServices.'),
  stdErr: at(0x50, guestAddress, 'Zero after ExitBootServices.'),
  runtimeServices: at(0x58, guestAddress, 'Address of the runtime services table.'),
  bootServices: at(0x60, guestAddress, 'Zero after ExitBootServices.'),
  numberOfTableEntries: at(0x68, u32le, 'Entries of the configuration table.'),
  padding6c: at(0x6c, reserved(4), ''),
  configurationTable: at(0x70, guestAddress, 'Address of the configuration table.'),
});
export type EfiSystemTable = ValueOf<typeof EfiSystemTable>;

/** Encodes the table with its CRC-32; the `crc32` of the value is not used. */
export function encodeSystemTable(table: Omit<EfiSystemTable, 'crc32'>): Uint8Array {
  return EfiSystemTable.encode({ ...table, crc32: crc32(EfiSystemTable.encode({ ...table, crc32: 0 })) });
}

/** One entry of the configuration table. 24 bytes. */
export const EfiConfigurationTable = struct(
  'EFI_CONFIGURATION_TABLE',
  'UEFI specification, EFI Configuration Table',
  {
    vendorGuid: at(0x00, guid, 'What the table is.'),
    vendorTable: at(0x10, guestAddress, 'Where the table is.'),
  },
);
export type EfiConfigurationTable = ValueOf<typeof EfiConfigurationTable>;
