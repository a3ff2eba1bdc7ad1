import { concat } from '@sevlab/codec/bytes';
import { ascii, at, struct, u32le, type ValueOf } from '@sevlab/codec/layout';

/** What the SEV metadata entry of the GUIDed table points to, before its sections. 16 bytes. */
export const SevMetadataHeader = struct(
  'OVMF SEV metadata',
  'edk2 OvmfPkg/ResetVector/X64/OvmfSevMetadata.nasm.inc',
  {
    signature: at(0x00, ascii(4), '"ASEV".'),
    len: at(0x04, u32le, 'Length with this header, in bytes.'),
    version: at(0x08, u32le, 'Always 1.'),
    count: at(0x0c, u32le, 'Sections behind the header.'),
  },
);

/** Memory that the host prepares for an SEV-SNP guest; plain SEV makes no use of it. 12 bytes. */
export const SevMetadataSection = struct(
  'OVMF SEV metadata section',
  'edk2 OvmfPkg/ResetVector/X64/OvmfSevMetadata.nasm.inc',
  {
    base: at(0x00, u32le, 'Guest-physical address.'),
    size: at(0x04, u32le, 'Length, in bytes.'),
    type: at(0x08, u32le, '1 memory, 2 secrets page, 3 CPUID page, 4 SVSM calling area, 16 kernel hashes.'),
  },
);
export type SevMetadataSection = ValueOf<typeof SevMetadataSection>;

export const SEV_METADATA_SIGNATURE = 'ASEV';

export function encodeSevMetadata(sections: readonly SevMetadataSection[]): Uint8Array {
  const len = SevMetadataHeader.size + sections.length * SevMetadataSection.size;
  return concat(
    SevMetadataHeader.encode({ signature: SEV_METADATA_SIGNATURE, len, version: 1, count: sections.length }),
    ...sections.map((section) => SevMetadataSection.encode(section)),
  );
}

/** A structure that an entry of the GUIDed table points to: the header of the SEV metadata, and sections of that size. */
export interface MetadataKind {
  readonly signature: string;
  /** Bytes. */
  readonly sectionSize: number;
}

export const SEV_METADATA: MetadataKind = {
  signature: SEV_METADATA_SIGNATURE,
  sectionSize: SevMetadataSection.size,
};
/** edk2 OvmfPkg/ResetVector/X64/IntelTdxMetadata.nasm.inc. */
export const TDX_METADATA: MetadataKind = { signature: 'TDVF', sectionSize: 32 };
/** edk2 OvmfPkg/ResetVector/X64/IgvmMetadata.nasm.inc. */
export const IGVM_METADATA: MetadataKind = { signature: 'IGVM', sectionSize: 12 };

/**
 * The sections of the structure that lies `fromEnd` bytes before the end of the image, or why there are none. QEMU
 * checks less (target/i386/sev.c, pc_system_parse_sev_metadata): it bounds the length against the wrong end
 * and does not compare the count with it.
 */
export function readMetadata(
  image: Uint8Array,
  fromEnd: number,
  kind: MetadataKind,
): { readonly sections: readonly Uint8Array[] } | { readonly error: string } {
  if (fromEnd < SevMetadataHeader.size || fromEnd > image.length) {
    return { error: `lies ${fromEnd} bytes before the end; expected 16 to ${image.length}` };
  }
  const start = image.length - fromEnd;
  const { signature, len, version, count } = SevMetadataHeader.decodeAt(image, start);
  if (signature !== kind.signature) {
    return { error: `starts with ${JSON.stringify(signature)}; expected "${kind.signature}"` };
  }
  if (version !== 1) return { error: `has version ${version}; expected 1` };
  if (len > fromEnd) return { error: `announces ${len} bytes, of which ${fromEnd} are left in the image` };
  const needed = SevMetadataHeader.size + count * kind.sectionSize;
  if (needed > len) return { error: `announces ${count} sections, ${needed} bytes, in a length of ${len}` };
  const first = start + SevMetadataHeader.size;
  return {
    sections: Array.from({ length: count }, (_, i) =>
      image.subarray(first + i * kind.sectionSize, first + (i + 1) * kind.sectionSize),
    ),
  };
}

/** The sections of the SEV metadata that lie `fromEnd` bytes before the end of the image, or why there are none. */
export function readSevMetadata(
  image: Uint8Array,
  fromEnd: number,
): { readonly sections: readonly SevMetadataSection[] } | { readonly error: string } {
  const metadata = readMetadata(image, fromEnd, SEV_METADATA);
  if ('error' in metadata) return metadata;
  return { sections: metadata.sections.map((section) => SevMetadataSection.decode(section)) };
}
