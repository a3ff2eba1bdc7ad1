import { guestAddress } from '../address.ts';
import { withChecksum8 } from '../checksum8.ts';
import { ascii, at, bytes, reserved, struct, u8, u16le, u32le, type ValueOf } from '../layout.ts';

/** Where SMBIOS 2.1 to 2.8 finds its structures. 31 bytes. */
export const SmbiosEntryPoint = struct(
  'SMBIOS 2.1 Entry Point',
  'SMBIOS specification, SMBIOS 2.1 (32-bit) Entry Point',
  {
    anchorString: at(0x00, ascii(4), '"_SM_".'),
    checksum: at(0x04, u8, 'Makes all bytes add up to zero.'),
    length: at(0x05, u8, 'Of this structure, in bytes: 0x1f.'),
    majorVersion: at(0x06, u8, 'Of the specification.'),
    minorVersion: at(0x07, u8, 'Of the specification.'),
    maximumStructureSize: at(0x08, u16le, 'Of the largest structure with its strings, in bytes.'),
    entryPointRevision: at(0x0a, u8, '0: the next five bytes are zero.'),
    formattedArea: at(0x0b, bytes(5), 'By the revision.'),
    intermediateAnchorString: at(0x10, ascii(5), '"_DMI_".'),
    intermediateChecksum: at(0x15, u8, 'Makes the last 15 bytes add up to zero.'),
    structureTableLength: at(0x16, u16le, 'Of all structures, in bytes.'),
    structureTableAddress: at(0x18, u32le, 'Where they begin.'),
    numberOfStructures: at(0x1c, u16le, 'How many there are.'),
    bcdRevision: at(0x1e, u8, 'The version, a decimal digit in each half.'),
  },
);
export type SmbiosEntryPoint = ValueOf<typeof SmbiosEntryPoint>;

/** Where SMBIOS 3.0 and later finds its structures. 24 bytes. */
export const Smbios3EntryPoint = struct(
  'SMBIOS 3.0 Entry Point',
  'SMBIOS specification, SMBIOS 3.0 (64-bit) Entry Point',
  {
    anchorString: at(0x00, ascii(5), '"_SM3_".'),
    checksum: at(0x05, u8, 'Makes all bytes add up to zero.'),
    length: at(0x06, u8, 'Of this structure, in bytes: 0x18.'),
    majorVersion: at(0x07, u8, 'Of the specification.'),
    minorVersion: at(0x08, u8, 'Of the specification.'),
    docrev: at(0x09, u8, 'Of the specification.'),
    entryPointRevision: at(0x0a, u8, '1.'),
    reserved0b: at(0x0b, reserved(1), ''),
    structureTableMaximumSize: at(0x0c, u32le, 'What the structures take at most, in bytes.'),
    structureTableAddress: at(0x10, guestAddress, 'Where they begin.'),
  },
);
export type Smbios3EntryPoint = ValueOf<typeof Smbios3EntryPoint>;

/** Where the part with a checksum of its own begins. */
const INTERMEDIATE_OFFSET = 0x10;

/** The entry point of SMBIOS 2.8, with both checksums. Throws RangeError for structures above 4 GiB. */
export function encodeSmbios28EntryPoint(
  table: Pick<
    SmbiosEntryPoint,
    'maximumStructureSize' | 'structureTableLength' | 'structureTableAddress' | 'numberOfStructures'
  >,
): Uint8Array {
  const entryPoint = SmbiosEntryPoint.encode({
    anchorString: '_SM_',
    checksum: 0,
    length: SmbiosEntryPoint.size,
    majorVersion: 2,
    minorVersion: 8,
    entryPointRevision: 0,
    formattedArea: new Uint8Array(5),
    intermediateAnchorString: '_DMI_',
    intermediateChecksum: 0,
    bcdRevision: 0x28,
    ...table,
  });
  entryPoint.set(
    withChecksum8(entryPoint.subarray(INTERMEDIATE_OFFSET), 0x15 - INTERMEDIATE_OFFSET),
    INTERMEDIATE_OFFSET,
  );
  return withChecksum8(entryPoint, 0x04);
}

/** The entry point of SMBIOS 3.0, with its checksum. */
export function encodeSmbios30EntryPoint(
  table: Pick<Smbios3EntryPoint, 'structureTableMaximumSize' | 'structureTableAddress'>,
): Uint8Array {
  const entryPoint = Smbios3EntryPoint.encode({
    anchorString: '_SM3_',
    checksum: 0,
    length: Smbios3EntryPoint.size,
    majorVersion: 3,
    minorVersion: 0,
    docrev: 0,
    entryPointRevision: 1,
    ...table,
  });
  return withChecksum8(entryPoint, 0x05);
}
