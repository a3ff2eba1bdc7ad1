import { concat, utf8 } from '../bytes.ts';
import { guid } from '../guid.ts';
import { at, struct, u8, u16le, u64le, type ValueOf } from '../layout.ts';

/** Structure types. */
export const SMBIOS_BIOS_INFORMATION = 0;
export const SMBIOS_SYSTEM_INFORMATION = 1;
export const SMBIOS_END_OF_TABLE = 127;

const HEADER_FIELDS = {
  type: at(0x00, u8, 'What the structure is.'),
  length: at(0x01, u8, 'Length without the strings behind it, in bytes.'),
  handle: at(0x02, u16le, 'Its number, unlike all others.'),
};

/** At the start of every structure, and all that End-of-Table (type 127) has. 4 bytes. */
export const SmbiosHeader = struct(
  'SMBIOS structure header',
  'SMBIOS specification, Structure header format',
  HEADER_FIELDS,
);
export type SmbiosHeader = ValueOf<typeof SmbiosHeader>;

/** Bit 3 of the characteristics: nothing is said of them. */
export const BIOS_CHARACTERISTICS_NOT_SUPPORTED: bigint = 1n << 3n;
/** Of the second extension byte (SMBIOS specification, BIOS Characteristics Extension Byte 2). */
export const BIOS_UEFI_SUPPORTED = 1 << 3;
export const BIOS_VIRTUAL_MACHINE = 1 << 4;
/** There is no embedded controller, whose firmware would have a release. */
export const BIOS_NO_RELEASE = 0xff;

/** Type 0. Texts are numbers of the strings behind it, from 1; 0: there is none. 24 bytes. */
export const SmbiosBiosInformation = struct(
  'BIOS Information',
  'SMBIOS specification, BIOS Information (Type 0)',
  {
    ...HEADER_FIELDS,
    vendor: at(0x04, u8, 'Text.'),
    biosVersion: at(0x05, u8, 'Text.'),
    biosStartingAddressSegment: at(0x06, u16le, '0 where there is none, as with UEFI.'),
    biosReleaseDate: at(0x08, u8, 'Text, MM/DD/YYYY.'),
    biosRomSize: at(0x09, u8, 'In 64 KiB, less one.'),
    biosCharacteristics: at(0x0a, u64le, 'Bit 3: none of them is known.'),
    extension1: at(0x12, u8, 'BIOS Characteristics Extension Byte 1.'),
    extension2: at(0x13, u8, 'BIOS Characteristics Extension Byte 2: bit 3 UEFI, bit 4 virtual machine.'),
    systemBiosMajorRelease: at(0x14, u8, '0xff: none.'),
    systemBiosMinorRelease: at(0x15, u8, '0xff: none.'),
    embeddedControllerFirmwareMajorRelease: at(0x16, u8, '0xff: none.'),
    embeddedControllerFirmwareMinorRelease: at(0x17, u8, '0xff: none.'),
  },
);

/** Wake-up Type of a system of which it is not known. */
export const WAKE_UP_UNKNOWN = 2;

/** Type 1. 27 bytes. */
export const SmbiosSystemInformation = struct(
  'System Information',
  'SMBIOS specification, System Information (Type 1)',
  {
    ...HEADER_FIELDS,
    manufacturer: at(0x04, u8, 'Text.'),
    productName: at(0x05, u8, 'Text.'),
    version: at(0x06, u8, 'Text.'),
    serialNumber: at(0x07, u8, 'Text.'),
    uuid: at(0x08, guid, 'All zero: there is none. All ones: it can be set.'),
    wakeUpType: at(0x18, u8, 'What switched the system on.'),
    skuNumber: at(0x19, u8, 'Text.'),
    family: at(0x1a, u8, 'Text.'),
  },
);

/** A structure as it lies in the table: its strings behind it, each with a NUL, and one more at the end. */
export function withStrings(structure: Uint8Array, strings: readonly string[]): Uint8Array {
  const texts = strings.length > 0 ? strings.map((text) => `${text}\0`).join('') : '\0';
  return concat(structure, utf8(`${texts}\0`));
}
