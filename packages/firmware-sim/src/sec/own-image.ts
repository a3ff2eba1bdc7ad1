import { gpa } from '@sevlab/codec/address';
import { equal, toHex } from '@sevlab/codec/bytes';
import { SEVLAB_MANIFEST_GUID } from '@sevlab/codec/guid';
import { findEntry, type GuidedTable, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { ImageManifest } from '@sevlab/codec/ovmf/manifest';
import type { GuestMemory } from '@sevlab/machine/machine';
import { bodyChecksum } from '../body-checksum.ts';
import { VERIFIERS } from '../direct-boot/blob-verifier.ts';
import { GRUBS } from '../grub.ts';
import { MAX_IMAGE_SIZE, OffsetBlock } from '../image.ts';
import { LAYOUTS, type LayoutName } from '../layouts.ts';
import { layoutOf, manifestFault } from '../manifest.ts';
import { type Stopped, stopped } from '../stopped.ts';

const IMAGE_END = 0x1_0000_0000n;
const PAGE = 4096;

export interface OwnImage {
  readonly kind: 'image';
  readonly table: GuidedTable;
  readonly manifest: ImageBehaviour;
  readonly layout: LayoutName;
}

/** What an image does, as far as that is not the same in every image of a layout. */
export type ImageBehaviour = Pick<ImageManifest, 'reservesArea' | 'publishesArea' | 'verifier' | 'grub'>;

/** Whether an image says what it does, as those that sevlab builds do. */
export const hasManifest = (table: GuidedTable): boolean =>
  findEntry(table, SEVLAB_MANIFEST_GUID) !== undefined;

/**
 * The image that this guest was started with, as the guest's key shows it: only what the host encrypted with that
 * key, unchanged and in its place, makes sense. One without a manifest does what edk2 does in the layout that is given,
 * in the areas that its own table announces.
 */
export function readOwnImage(memory: GuestMemory, assumed?: LayoutName): OwnImage | Stopped {
  const read = (fromEnd: number, length: number): Uint8Array =>
    memory.readPrivate(gpa(IMAGE_END - BigInt(fromEnd)), length);

  const table = readGuidedTable(read(PAGE, PAGE));
  if (table.kind === 'none') return stopped('no image', { why: table.reason });
  if (assumed !== undefined && !hasManifest(table)) {
    const verifier = VERIFIERS.indexOf(LAYOUTS[assumed].verifier);
    const manifest = { reservesArea: 1, publishesArea: 1, verifier, grub: GRUBS.indexOf('kernel') };
    return { kind: 'image', table, manifest, layout: assumed };
  }
  const entry = findEntry(table, SEVLAB_MANIFEST_GUID);
  if (entry?.data.length !== OffsetBlock.size) {
    const found = entry ? `one of ${entry.data.length}` : 'none';
    return stopped('no manifest', { guid: SEVLAB_MANIFEST_GUID, size: OffsetBlock.size, found });
  }
  const { fromEnd } = OffsetBlock.decode(entry.data);
  if (fromEnd < ImageManifest.size || fromEnd > MAX_IMAGE_SIZE) {
    const limits = { least: ImageManifest.size, most: MAX_IMAGE_SIZE };
    return stopped('manifest elsewhere', { distance: fromEnd, ...limits });
  }

  const manifest = ImageManifest.decode(read(fromEnd, ImageManifest.size));
  const fault = manifestFault(manifest, fromEnd);
  const layout = layoutOf(manifest);
  if (fault !== undefined || layout === undefined) return stopped('bad manifest', { why: String(fault) });

  const { imageSize, bodySha256 } = manifest;
  const manifestAt = imageSize - fromEnd;
  const found = memory.digestPrivate(
    gpa(IMAGE_END - BigInt(imageSize)),
    imageSize,
    `body checksum, manifest at ${manifestAt}`,
    (parts) => bodyChecksum(parts, manifestAt),
  );
  if (!equal(found, bodySha256)) {
    const hashes = { expected: toHex(bodySha256), found: toHex(found) };
    return stopped('other bytes', { size: imageSize, ...hashes });
  }
  return { kind: 'image', table, manifest, layout };
}
