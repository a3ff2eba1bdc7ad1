import { withChecksum8 } from '../checksum8.ts';
import { ascii, at, struct, u8, u32le, type ValueOf } from '../layout.ts';

/** In front of every ACPI table but the FACS. 36 bytes. */
export const AcpiDescriptionHeader = struct(
  'DESCRIPTION_HEADER',
  'ACPI specification, System Description Table Header',
  {
    signature: at(0x00, ascii(4), 'What the table is.'),
    length: at(0x04, u32le, 'Length of the whole table, in bytes.'),
    revision: at(0x08, u8, "Of the layout, in this signature's own count."),
    checksum: at(0x09, u8, 'Makes all bytes of the table add up to zero.'),
    oemId: at(0x0a, ascii(6), 'Who supplies the table.'),
    oemTableId: at(0x10, ascii(8), "The supplier's name for it."),
    oemRevision: at(0x18, u32le, "The supplier's revision."),
    creatorId: at(0x1c, ascii(4), 'The program that made the table.'),
    creatorRevision: at(0x20, u32le, 'Its revision.'),
  },
);
export type AcpiDescriptionHeader = ValueOf<typeof AcpiDescriptionHeader>;

const CHECKSUM_OFFSET = 0x09;

/** A copy of the table with the checksum that its bytes ask for. */
export const sealAcpiTable = (table: Uint8Array): Uint8Array => withChecksum8(table, CHECKSUM_OFFSET);
