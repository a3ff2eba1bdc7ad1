import { IMAGE_MANIFEST_MAGIC, type ImageManifest } from '@sevlab/codec/ovmf/manifest';
import { VERIFIERS } from './direct-boot/blob-verifier.ts';
import { GRUBS } from './grub.ts';
import { MAX_IMAGE_SIZE } from './image.ts';
import { isLayoutName, type LayoutName } from './layouts.ts';

/** The layout that a manifest names, or undefined for a name that is none of ours. */
export function layoutOf(manifest: ImageManifest): LayoutName | undefined {
  const name = manifest.layout.replace(/\0+$/, '');
  return isLayoutName(name) ? name : undefined;
}

/** Why these 64 bytes, `fromEnd` bytes before the end of an image, are no manifest; undefined when they are one. */
export function manifestFault(manifest: ImageManifest, fromEnd: number): string | undefined {
  const { magic, version, imageSize } = manifest;
  if (magic !== IMAGE_MANIFEST_MAGIC) {
    return `its manifest starts with ${JSON.stringify(magic)}; expected "${IMAGE_MANIFEST_MAGIC}"`;
  }
  if (version !== 1) return `its manifest has version ${version}; expected 1`;
  if (imageSize < fromEnd || imageSize > MAX_IMAGE_SIZE) {
    return `its manifest says the image has ${imageSize} bytes; expected ${fromEnd} to ${MAX_IMAGE_SIZE}`;
  }
  if (VERIFIERS[manifest.verifier] === undefined) {
    return `its manifest names the blob verifier ${manifest.verifier}; expected 0 to ${VERIFIERS.length - 1}`;
  }
  if (GRUBS[manifest.grub] === undefined) {
    return `its manifest names the GRUB ${manifest.grub}; expected 0 to ${GRUBS.length - 1}`;
  }
  if (layoutOf(manifest) === undefined) {
    return `its manifest names the layout ${JSON.stringify(manifest.layout)}, which is none of sevlab's`;
  }
  return undefined;
}
