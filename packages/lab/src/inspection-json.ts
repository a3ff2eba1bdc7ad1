import { toHex } from '@sevlab/codec/bytes';
import type { ImageManifest } from '@sevlab/codec/ovmf/manifest';
import type { Inspection } from '@sevlab/firmware-sim/inspect';

/** The field is padded with NULs. */
export const layoutName = ({ layout }: ImageManifest): string => layout.replace(/\0+$/, '');

/** An inspected image as JSON. */
export const inspectionJson = ({ entries, manifest, sha256, ...rest }: Inspection) => ({
  ...rest,
  launchDigest: sha256,
  secretArea: rest.secretArea ?? null,
  hashesArea: rest.hashesArea ?? null,
  entries: entries.map(({ data, ...entry }) => ({ ...entry, data: toHex(data) })),
  manifest: manifest
    ? { ...manifest, layout: layoutName(manifest), bodySha256: toHex(manifest.bodySha256) }
    : null,
});
