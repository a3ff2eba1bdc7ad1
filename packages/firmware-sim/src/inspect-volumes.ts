import { alignUp } from '@sevlab/codec/address';
import { indexOfBytes, utf8 } from '@sevlab/codec/bytes';
import { type Guid, guid, parseGuid } from '@sevlab/codec/guid';
import { ascii, at, reserved, struct, u8, u16le, u32le, u64le } from '@sevlab/codec/layout';

/** In front of a firmware volume, before its block map. 56 bytes. */
export const VolumeHeader = struct('EFI_FIRMWARE_VOLUME_HEADER', 'PI specification, Firmware Volume Header', {
  zeroVector: at(0x00, reserved(16), ''),
  fileSystemGuid: at(0x10, guid, 'How files are kept in it.'),
  fvLength: at(0x20, u64le, 'Length with this header, in bytes.'),
  signature: at(0x28, ascii(4), '"_FVH".'),
  attributes: at(0x2c, u32le, ''),
  headerLength: at(0x30, u16le, 'Length of this header with the block map, in bytes.'),
  checksum: at(0x32, u16le, 'Makes the 16-bit words of the header add up to zero.'),
  extHeaderOffset: at(0x34, u16le, 'Where an extended header starts; 0: there is none.'),
  reserved36: at(0x36, reserved(1), ''),
  revision: at(0x37, u8, 'Always 2.'),
});

/** 20 bytes. */
export const VolumeExtHeader = struct(
  'EFI_FIRMWARE_VOLUME_EXT_HEADER',
  'PI specification, Firmware Volume Extended Header',
  {
    fvName: at(0x00, guid, "The volume's own name."),
    extHeaderSize: at(0x10, u32le, 'Length with all entries, in bytes.'),
  },
);

/** In front of a file. 24 bytes. */
export const FileHeader = struct('EFI_FFS_FILE_HEADER', 'PI specification, Firmware File Header', {
  name: at(0x00, guid, 'FILE_GUID of the module.'),
  integrityCheck: at(0x10, u16le, ''),
  type: at(0x12, u8, 'EFI_FV_FILETYPE_….'),
  attributes: at(0x13, u8, 'Bit 0: a u64 behind this header has the length instead.'),
  sizeAndState: at(0x14, u32le, 'Bits 23:0 the length with this header, in bytes; bits 31:24 the state.'),
});

/** In front of a section of a file. 4 bytes. */
export const SectionHeader = struct(
  'EFI_COMMON_SECTION_HEADER',
  'PI specification, Firmware File Section Header',
  { sizeAndType: at(0x00, u32le, 'Bits 23:0 the length with this header, in bytes; bits 31:24 the type.') },
);

/** In front of a section whose content somebody has encoded. 24 bytes. */
export const GuidDefinedSection = struct(
  'EFI_GUID_DEFINED_SECTION',
  'PI specification, EFI_SECTION_GUID_DEFINED',
  {
    sizeAndType: at(0x00, u32le, 'As in front of every section.'),
    sectionDefinitionGuid: at(0x04, guid, 'How the content is encoded.'),
    dataOffset: at(0x14, u16le, 'Where the content starts, from the start of the section.'),
    attributes: at(0x16, u16le, 'Bit 0: the content must be decoded first.'),
  },
);

const FFS_GUIDS: readonly Guid[] = [
  parseGuid('8c8ce578-8a3d-4f1c-9935-896185c32dd3'), // EFI_FIRMWARE_FILE_SYSTEM2_GUID
  parseGuid('5473c07a-3dcb-4dca-bd6f-1e9689e7349a'), // EFI_FIRMWARE_FILE_SYSTEM3_GUID
];
/** EFI_FV_FILETYPE_… of erased memory: behind the last file. A file of padding has such a name, and type f0h. */
const FILE_TYPE_ERASED = 0xff;
const FILE_TYPE_FIRMWARE_VOLUME_IMAGE = 0x0b;
const FFS_ATTRIB_LARGE_FILE = 0x01;
const SECTION_COMPRESSION = 0x01;
const SECTION_GUID_DEFINED = 0x02;
const SECTION_FIRMWARE_VOLUME_IMAGE = 0x17;
const PROCESSING_REQUIRED = 0x01;
const LOW_24_BITS = 0xff_ffff;

/** Volumes in sections of files of volumes: OVMF has two levels. */
const MAX_DEPTH = 8;

/** The modules in the firmware volumes of an image, as far as they can be read without decoding anything. */
export interface Modules {
  readonly fileGuids: ReadonlySet<Guid>;
  /** Why there may be more, in words; undefined when these are all. */
  readonly unread: string | undefined;
}

/** Accepts any bytes. */
export function readModules(image: Uint8Array): Modules {
  const found = [...modulesIn(image, MAX_DEPTH)];
  const fileGuids = new Set(found.flatMap((each) => ('name' in each ? [each.name] : [])));
  const hidden = found.find((each) => 'unread' in each);
  if (hidden === undefined && fileGuids.size === 0) {
    return { fileGuids, unread: 'there is no firmware volume with modules' };
  }
  return { fileGuids, unread: hidden?.unread };
}

/** A module, or why some cannot be seen. */
type Found = { readonly name: Guid } | { readonly unread: string };

/** `depth`: how many levels of volumes may follow. */
function* modulesIn(bytes: Uint8Array, depth: number): Generator<Found> {
  for (let start = 0; start < bytes.length; ) {
    const signature = indexOfBytes(bytes.subarray(start), SIGNATURE);
    if (signature === -1) return;
    const volume = volumeAt(bytes, start + signature - SIGNATURE_OFFSET);
    if (volume) yield* filesOf(volume, depth);
    start += volume ? signature - SIGNATURE_OFFSET + volume.length : signature + 1;
  }
}

function* filesOf(volume: Uint8Array, depth: number): Generator<Found> {
  const { fileSystemGuid, headerLength, extHeaderOffset } = VolumeHeader.decodeAt(volume, 0);
  if (!FFS_GUIDS.includes(fileSystemGuid)) return; // such as the store of variables, which has no modules
  let offset = headerLength;
  if (extHeaderOffset !== 0 && extHeaderOffset + VolumeExtHeader.size <= volume.length) {
    offset = extHeaderOffset + VolumeExtHeader.decodeAt(volume, extHeaderOffset).extHeaderSize;
  }
  for (offset = alignUp(offset, 8); offset + FileHeader.size <= volume.length; ) {
    const { name, type, attributes, sizeAndState } = FileHeader.decodeAt(volume, offset);
    if (type === FILE_TYPE_ERASED) return;
    const size = sizeAndState & LOW_24_BITS;
    const large = (attributes & FFS_ATTRIB_LARGE_FILE) !== 0;
    if (large || size < FileHeader.size || size > volume.length - offset) {
      yield { unread: `the file ${name} is damaged, or of 16 MiB and more` };
      return;
    }
    yield { name };
    if (type === FILE_TYPE_FIRMWARE_VOLUME_IMAGE) {
      yield* sectionsOf(volume.subarray(offset + FileHeader.size, offset + size), depth);
    }
    offset = alignUp(offset + size, 8);
  }
}

function* sectionsOf(bytes: Uint8Array, depth: number): Generator<Found> {
  for (let offset = 0; offset + SectionHeader.size <= bytes.length; ) {
    const { sizeAndType } = SectionHeader.decodeAt(bytes, offset);
    const size = sizeAndType & LOW_24_BITS;
    if (size < SectionHeader.size || size > bytes.length - offset) {
      yield { unread: 'a section is damaged, or of 16 MiB and more' };
      return;
    }
    yield* contentOf(sizeAndType >>> 24, bytes.subarray(offset, offset + size), depth - 1);
    offset = alignUp(offset + size, 4);
  }
}

function* contentOf(type: number, section: Uint8Array, depth: number): Generator<Found> {
  if (depth === 0) {
    yield { unread: 'volumes are nested too deeply' };
  } else if (type === SECTION_FIRMWARE_VOLUME_IMAGE) {
    yield* modulesIn(section.subarray(SectionHeader.size), depth);
  } else if (type === SECTION_COMPRESSION) {
    yield { unread: 'a firmware volume is compressed' };
  } else if (type === SECTION_GUID_DEFINED && section.length >= GuidDefinedSection.size) {
    const { sectionDefinitionGuid, dataOffset, attributes } = GuidDefinedSection.decodeAt(section, 0);
    if ((attributes & PROCESSING_REQUIRED) !== 0 || dataOffset < GuidDefinedSection.size) {
      yield { unread: `a firmware volume is compressed, as ${sectionDefinitionGuid} says` };
    } else {
      yield* sectionsOf(section.subarray(dataOffset), depth);
    }
  }
}

const SIGNATURE = utf8('_FVH');
const SIGNATURE_OFFSET = 0x28;

/** The volume that starts there, if a volume does. */
function volumeAt(bytes: Uint8Array, offset: number): Uint8Array | undefined {
  if (offset < 0 || offset + VolumeHeader.size > bytes.length) return undefined;
  const { fvLength, headerLength } = VolumeHeader.decodeAt(bytes, offset);
  if (headerLength < VolumeHeader.size || fvLength < BigInt(headerLength)) return undefined;
  if (fvLength > BigInt(bytes.length - offset)) return undefined;
  return bytes.subarray(offset, offset + Number(fvLength));
}
