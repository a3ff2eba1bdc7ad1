import { concat, padTo } from '@sevlab/codec/bytes';
import { parseGuid } from '@sevlab/codec/guid';
import {
  FileHeader,
  GuidDefinedSection,
  SectionHeader,
  VolumeExtHeader,
  VolumeHeader,
} from '../src/inspect-volumes.ts';

const FFS2 = '8c8ce578-8a3d-4f1c-9935-896185c32dd3';
const NAME = '7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1';

export const padded = (bytes: Uint8Array, alignment: number): Uint8Array =>
  padTo(bytes, Math.ceil(bytes.length / alignment) * alignment);

/** A file of a firmware volume. */
export function file(name: string, type: number, content: Uint8Array, attributes = 0): Uint8Array {
  const sizeAndState = 0x0800_0000 + FileHeader.size + content.length;
  const head = { name: parseGuid(name), integrityCheck: 0, type, attributes, sizeAndState };
  return concat(FileHeader.encode(head), content);
}

/** A firmware volume, with erased memory behind its files. The end of the block map is part of the header. */
export function volume(
  files: readonly Uint8Array[],
  { fileSystem = FFS2, extended = false }: { fileSystem?: string; extended?: boolean } = {},
): Uint8Array {
  const headerLength = VolumeHeader.size + 8;
  const name = VolumeExtHeader.encode({ fvName: parseGuid(NAME), extHeaderSize: VolumeExtHeader.size });
  const content = concat(...[...(extended ? [name] : []), ...files].map((each) => padded(each, 8)));
  const free = new Uint8Array(100).fill(0xff);
  const header = VolumeHeader.encode({
    fileSystemGuid: parseGuid(fileSystem),
    fvLength: BigInt(headerLength + content.length + free.length),
    signature: '_FVH',
    attributes: 0,
    headerLength,
    checksum: 0,
    extHeaderOffset: extended ? headerLength : 0,
    revision: 2,
  });
  return concat(header, new Uint8Array(8), content, free);
}

/** A section of a file. */
export const section = (type: number, content: Uint8Array): Uint8Array =>
  concat(
    SectionHeader.encode({ sizeAndType: (SectionHeader.size + content.length) | (type << 24) }),
    content,
  );

/** A section whose content is encoded somehow, says a GUID. */
export const encoded = (by: string, attributes: number, content: Uint8Array, dataOffset = 24): Uint8Array =>
  concat(
    GuidDefinedSection.encode({
      sizeAndType: (GuidDefinedSection.size + content.length) | (2 << 24),
      sectionDefinitionGuid: parseGuid(by),
      dataOffset,
      attributes,
    }),
    content,
  );
