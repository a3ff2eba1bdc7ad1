import { seededEntropy } from '@sevlab/ambient/entropy';
import { isAligned } from '@sevlab/codec/address';
import { concat, utf8 } from '@sevlab/codec/bytes';
import {
  type Guid,
  SEV_ES_RESET_BLOCK_GUID,
  SEV_HASH_TABLE_BLOCK_GUID,
  SEV_METADATA_GUID,
  SEV_SECRET_BLOCK_GUID,
  SEVLAB_MANIFEST_GUID,
} from '@sevlab/codec/guid';
import { at, struct, u32le } from '@sevlab/codec/layout';
import { AreaBlock, buildGuidedTable, TABLE_END_FROM_IMAGE_END } from '@sevlab/codec/ovmf/guided-table';
import { IMAGE_MANIFEST_MAGIC, ImageManifest } from '@sevlab/codec/ovmf/manifest';
import { ResetBlock } from '@sevlab/codec/ovmf/reset-block';
import { bodyChecksum } from './body-checksum.ts';
import { VERIFIERS, type Verifier } from './direct-boot/blob-verifier.ts';
import { GRUBS, type Grub } from './grub.ts';
import { LAYOUTS, type Layout, type LayoutName } from './layouts.ts';
import { RESET_STUB, RESET_STUB_FROM_END, RESET_VECTOR } from './reset-stub.ts';
import { encodeSevMetadata } from './sev-metadata.ts';

export const DEFAULT_IMAGE_SIZE = 256 * 1024;
export const MIN_IMAGE_SIZE = 4096;
export const MAX_IMAGE_SIZE = 16 * 1024 * 1024;

/** The data of an entry that says where something else lies in the image. 4 bytes. */
export const OffsetBlock = struct(
  'OVMF offset block',
  'edk2 OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.nasm.inc: OvmfSevMetadataOffsetStart',
  { fromEnd: at(0x00, u32le, 'Distance of the structure from the end of the image, in bytes.') },
);

/**
 * Everything from 4 GiB - 32 on, where a processor starts 16 bytes before the end. NOT MODELLED: the code of an image;
 * the program that takes its place is bootFirmware.
 */
const VOLUME_TOP = concat(new Uint8Array(12), utf8('VTF\0'), RESET_VECTOR);

export interface ImageOptions {
  readonly layout: LayoutName;
  /** Bytes: a multiple of 4096, from 4096 to 16 MiB. Default: 256 KiB. */
  readonly size?: number;
  /** What the secret block says in place of the layout's area; 'none': there is no secret block. */
  readonly secretArea?: AreaBlock | 'none';
  /** Whether SecretPei is built in. Default: yes. */
  readonly reservesArea?: boolean;
  /** Whether SecretDxe is built in. Default: yes. */
  readonly publishesArea?: boolean;
  /** How it verifies what it starts directly. Default: as the layout's release does. */
  readonly verifier?: Verifier;
  /** What it starts when the host offers no kernel. Default: the kernel, without more ado. */
  readonly grub?: Grub;
  /** Whether there is a GUIDed table. Default: yes. Without it the firmware cannot find its own manifest. */
  readonly table?: boolean;
  /** Chooses the filler. Default: 0. */
  readonly seed?: number;
}

/**
 * Builds a firmware image whose last byte belongs at 4 GiB - 1. The same options give the same bytes. Throws
 * RangeError for a size that no image can have and an area outside 32 bits.
 */
export function buildImage(options: ImageOptions): Uint8Array {
  const {
    size = DEFAULT_IMAGE_SIZE,
    reservesArea = true,
    publishesArea = true,
    table = true,
    seed = 0,
  } = options;
  if (!Number.isInteger(size) || !isAligned(size, 4096) || size < MIN_IMAGE_SIZE || size > MAX_IMAGE_SIZE) {
    throw new RangeError(
      `image size: expected a multiple of 4096 from ${MIN_IMAGE_SIZE} to ${MAX_IMAGE_SIZE}, got ${size}`,
    );
  }
  const layout: Layout = LAYOUTS[options.layout];
  const image = seededEntropy(String(seed), 'firmware image').bytes(size);
  image.set(RESET_STUB, size - RESET_STUB_FROM_END);
  image.set(VOLUME_TOP, size - VOLUME_TOP.length);
  if (!table) return image;

  const metadata = layout.sevMetadata.length > 0 ? encodeSevMetadata(layout.sevMetadata) : new Uint8Array();
  const blocks = (metadataFromEnd: number, manifestFromEnd: number): Uint8Array =>
    buildGuidedTable(entriesOf(layout, options, metadataFromEnd, manifestFromEnd));
  const metadataFromEnd = TABLE_END_FROM_IMAGE_END + blocks(0, 0).length + metadata.length;
  const manifestFromEnd = metadataFromEnd + ImageManifest.size;

  image.set(blocks(metadataFromEnd, manifestFromEnd), size - metadataFromEnd + metadata.length);
  image.set(metadata, size - metadataFromEnd);
  const manifest: ImageManifest = {
    magic: IMAGE_MANIFEST_MAGIC,
    version: 1,
    imageSize: size,
    layout: options.layout.padEnd(8, '\0'),
    reservesArea: reservesArea ? 1 : 0,
    publishesArea: publishesArea ? 1 : 0,
    verifier: VERIFIERS.indexOf(options.verifier ?? layout.verifier),
    grub: GRUBS.indexOf(options.grub ?? 'kernel'),
    bodySha256: new Uint8Array(32),
  };
  const manifestAt = size - manifestFromEnd;
  image.set(ImageManifest.encode(manifest), manifestAt);
  image.set(ImageManifest.encode({ ...manifest, bodySha256: bodyChecksum([image], manifestAt) }), manifestAt);
  return image;
}

/** The entries in the order of edk2's reset vector, low address first; the manifest's, which is ours, comes last. */
function entriesOf(
  layout: Layout,
  { secretArea = layout.secretArea }: ImageOptions,
  metadataFromEnd: number,
  manifestFromEnd: number,
): { guid: Guid; data: Uint8Array }[] {
  const entries: { guid: Guid; data: Uint8Array }[] = [];
  if (layout.sevMetadata.length > 0) {
    entries.push({ guid: SEV_METADATA_GUID, data: OffsetBlock.encode({ fromEnd: metadataFromEnd }) });
  }
  if (layout.hashesArea) {
    entries.push({ guid: SEV_HASH_TABLE_BLOCK_GUID, data: AreaBlock.encode(layout.hashesArea) });
  }
  if (secretArea !== 'none') {
    entries.push({ guid: SEV_SECRET_BLOCK_GUID, data: AreaBlock.encode(secretArea) });
  }
  entries.push({ guid: SEV_ES_RESET_BLOCK_GUID, data: ResetBlock.encode({ address: layout.sevEsWorkArea }) });
  entries.push({ guid: SEVLAB_MANIFEST_GUID, data: OffsetBlock.encode({ fromEnd: manifestFromEnd }) });
  return entries;
}
