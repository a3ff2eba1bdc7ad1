import { createHash } from 'node:crypto';
import { equal, toHex } from '@sevlab/codec/bytes';
import {
  GUID_NAMES,
  type Guid,
  guidToBytes,
  IGVM_METADATA_GUID,
  OVMF_TABLE_FOOTER_GUID,
  parseGuid,
  SEV_ES_RESET_BLOCK_GUID,
  SEV_HASH_TABLE_BLOCK_GUID,
  SEV_METADATA_GUID,
  SEV_SECRET_BLOCK_GUID,
  SEVLAB_MANIFEST_GUID,
  TDX_METADATA_GUID,
} from '@sevlab/codec/guid';
import {
  AreaBlock,
  findArea,
  findEntry,
  type GuidedEntry,
  type GuidedTable,
  readGuidedTable,
  TABLE_END_FROM_IMAGE_END,
} from '@sevlab/codec/ovmf/guided-table';
import { ImageManifest } from '@sevlab/codec/ovmf/manifest';
import { ResetBlock } from '@sevlab/codec/ovmf/reset-block';
import { bodyChecksum } from './body-checksum.ts';
import { OffsetBlock } from './image.ts';
import { areaFindings } from './inspect-areas.ts';
import { error, type Finding, warning } from './inspect-findings.ts';
import { readModules } from './inspect-volumes.ts';
import { manifestFault } from './manifest.ts';
import {
  IGVM_METADATA,
  type MetadataKind,
  readMetadata,
  readSevMetadata,
  SEV_METADATA,
  type SevMetadataSection,
  TDX_METADATA,
} from './sev-metadata.ts';

/** The data of an entry, where its GUID and length say what it is. */
export type DecodedEntry =
  | ({ readonly kind: 'area' } & AreaBlock)
  | { readonly kind: 'address'; readonly address: number }
  | { readonly kind: 'offset'; readonly fromEnd: number; readonly sections?: readonly SevMetadataSection[] };

export interface InspectedEntry extends GuidedEntry {
  /** What the GUID stands for; 'unknown' for one we never saw. */
  readonly name: string;
  readonly decoded?: DecodedEntry;
}

export interface Inspection {
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Where the table lies: offset in the image and size with its footer, in bytes; or why there is none. */
  readonly table:
    | { readonly kind: 'table'; readonly offset: number; readonly size: number }
    | { readonly kind: 'none'; readonly reason: string };
  /** In QEMU's order: the one nearest the end of the image first. */
  readonly entries: readonly InspectedEntry[];
  readonly secretArea: AreaBlock | undefined;
  readonly hashesArea: AreaBlock | undefined;
  /** Present in sound images that sevlab built. */
  readonly manifest: ImageManifest | undefined;
  readonly drivers: Drivers;
  readonly findings: readonly Finding[];
}

/** Whether the firmware does for the secret area what an announced one needs. */
export type Drivers =
  | { readonly kind: 'known'; readonly secretPei: boolean; readonly secretDxe: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };

/** What an image's bytes say, and what is wrong with them. Accepts any bytes. */
export function inspectImage(image: Uint8Array): Inspection {
  const table = readGuidedTable(image);
  const found = table.kind === 'table' ? table.entries : [];
  const entries = found.map((entry) => inspectEntry(image, entry));
  const secretArea = findArea(table, SEV_SECRET_BLOCK_GUID);
  const hashesArea = findArea(table, SEV_HASH_TABLE_BLOCK_GUID);
  const { manifest, fault } = readManifest(image, table);
  const drivers = driversOf(image, manifest);
  return {
    size: image.length,
    sha256: createHash('sha256').update(image).digest('hex'),
    table: table.kind === 'table' ? { kind: 'table', offset: table.offset, size: table.size } : table,
    entries,
    secretArea,
    hashesArea,
    manifest,
    drivers,
    findings: [
      ...tableFindings(image, table),
      ...entryFindings(image, found),
      ...areaFindings({ imageSize: image.length, secretArea, hashesArea, sections: sectionsOf(entries) }),
      ...(secretArea && secretArea.size > 0 ? driverFindings(drivers) : []),
      ...(fault === undefined ? [] : [error(fault)]),
    ],
  };
}

const AREA_GUIDS: readonly Guid[] = [SEV_SECRET_BLOCK_GUID, SEV_HASH_TABLE_BLOCK_GUID];
const METADATA: ReadonlyMap<Guid, MetadataKind> = new Map([
  [SEV_METADATA_GUID, SEV_METADATA],
  [TDX_METADATA_GUID, TDX_METADATA],
  [IGVM_METADATA_GUID, IGVM_METADATA],
]);
const OFFSET_GUIDS: readonly Guid[] = [...METADATA.keys(), SEVLAB_MANIFEST_GUID];

const nameOf = (guid: Guid): string => GUID_NAMES.get(guid) ?? 'unknown';

function inspectEntry(image: Uint8Array, entry: GuidedEntry): InspectedEntry {
  const named = { ...entry, name: nameOf(entry.guid) };
  const decoded = decodeEntry(image, entry);
  return decoded ? { ...named, decoded } : named;
}

/** What the SEV metadata says of memory. */
const sectionsOf = (entries: readonly InspectedEntry[]): readonly SevMetadataSection[] =>
  entries.flatMap(({ decoded }) => (decoded?.kind === 'offset' && decoded.sections) || []);

function decodeEntry(image: Uint8Array, { guid, data }: GuidedEntry): DecodedEntry | undefined {
  if (AREA_GUIDS.includes(guid) && data.length === AreaBlock.size) {
    return { kind: 'area', ...AreaBlock.decode(data) };
  }
  if (guid === SEV_ES_RESET_BLOCK_GUID && data.length === ResetBlock.size) {
    return { kind: 'address', ...ResetBlock.decode(data) };
  }
  if (OFFSET_GUIDS.includes(guid) && data.length === OffsetBlock.size) {
    const { fromEnd } = OffsetBlock.decode(data);
    const metadata = guid === SEV_METADATA_GUID ? readSevMetadata(image, fromEnd) : undefined;
    return metadata && 'sections' in metadata
      ? { kind: 'offset', fromEnd, sections: metadata.sections }
      : { kind: 'offset', fromEnd };
  }
  return undefined;
}

/** Bits in which a footer may differ and still be taken for a damaged one; chance would make it 64 of 128. */
const DAMAGED_FOOTER_BITS = 32;

function tableFindings(image: Uint8Array, table: GuidedTable): Finding[] {
  if (table.kind === 'table') {
    const findings: Finding[] = [];
    if (table.damaged !== undefined) {
      findings.push(
        error(`the GUIDed table is damaged: ${table.damaged}; nothing before that entry can be found`),
      );
    }
    if (findEntry(table, SEV_SECRET_BLOCK_GUID) === undefined) {
      findings.push(warning('there is no secret block: QEMU injects only where it is told a GPA'));
    }
    return findings;
  }
  const footerEnd = image.length - TABLE_END_FROM_IMAGE_END;
  const footerGuid = image.subarray(Math.max(0, footerEnd - 16), Math.max(0, footerEnd));
  const bits = differingBits(footerGuid, guidToBytes(OVMF_TABLE_FOOTER_GUID));
  if (bits === 0 || bits > DAMAGED_FOOTER_BITS) return [error(`no GUIDed table: ${table.reason}`)];
  return [
    error(`the footer of the GUIDed table is damaged, ${bits} of its 128 bits differ: ${table.reason}`),
  ];
}

function differingBits(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let bits = 0;
  a.forEach((byte, i) => {
    for (let rest = byte ^ b[i]!; rest !== 0; rest &= rest - 1) bits++;
  });
  return bits;
}

function entryFindings(image: Uint8Array, entries: readonly GuidedEntry[]): Finding[] {
  return entries.flatMap((entry, i) => {
    const { guid, data } = entry;
    const name = nameOf(guid);
    if (entries.findIndex((other) => other.guid === guid) < i) {
      return [warning(`the ${name} ${guid} is there twice; the one nearer the end of the image is used`)];
    }
    const expected = sizeOf(guid);
    if (expected !== undefined && data.length !== expected) {
      return [error(`the ${name} has ${data.length} bytes of data; expected ${expected}`)];
    }
    const kind = METADATA.get(guid);
    if (kind !== undefined) {
      const metadata = readMetadata(image, OffsetBlock.decode(data).fromEnd, kind);
      return 'error' in metadata ? [error(`the ${kind.signature} metadata ${metadata.error}`)] : [];
    }
    if (guid === SEVLAB_MANIFEST_GUID) {
      const { fromEnd } = OffsetBlock.decode(data);
      if (fromEnd > image.length) {
        return [error(`the ${name} points ${fromEnd} bytes before the end of an image of ${image.length}`)];
      }
    }
    if (guid === SEV_ES_RESET_BLOCK_GUID && ResetBlock.decode(data).address === 0) {
      return [warning('the SEV-ES reset address is zero; QEMU refuses to start an SEV-ES guest')];
    }
    return [];
  });
}

function sizeOf(guid: Guid): number | undefined {
  if (AREA_GUIDS.includes(guid)) return AreaBlock.size;
  if (OFFSET_GUIDS.includes(guid)) return OffsetBlock.size;
  return guid === SEV_ES_RESET_BLOCK_GUID ? ResetBlock.size : undefined;
}

/** FILE_GUID of edk2 OvmfPkg/AmdSev/SecretPei/SecretPei.inf and SecretDxe/SecretDxe.inf. */
const SECRET_PEI = parseGuid('45260dde-0c3c-4b41-a226-ef3803fac7d4');
const SECRET_DXE = parseGuid('6e2b9619-8810-4e9d-a177-d432bb9abeda');

function driversOf(image: Uint8Array, manifest: ImageManifest | undefined): Drivers {
  if (manifest) {
    const { reservesArea, publishesArea } = manifest;
    return { kind: 'known', secretPei: reservesArea === 1, secretDxe: publishesArea === 1 };
  }
  const { fileGuids, unread } = readModules(image);
  const [secretPei, secretDxe] = [fileGuids.has(SECRET_PEI), fileGuids.has(SECRET_DXE)];
  if (unread !== undefined && !(secretPei && secretDxe)) return { kind: 'unknown', reason: unread };
  return { kind: 'known', secretPei, secretDxe };
}

/** Generic builds from 202511 on announce an area and have neither driver (edk2 OvmfPkg/OvmfPkgX64.fdf). */
function driverFindings(drivers: Drivers): Finding[] {
  if (drivers.kind === 'unknown') return [];
  const { secretPei, secretDxe } = drivers;
  if (secretPei && secretDxe) return [];
  if (secretPei) return [error('there is no SecretDxe: no kernel learns where the secret area is')];
  if (secretDxe)
    return [error('there is no SecretPei: the kernel uses the page of the secret area for itself')];
  return [
    error(
      'there is neither SecretPei nor SecretDxe: injecting succeeds, and the secret is lost all the same',
    ),
  ];
}

function readManifest(
  image: Uint8Array,
  table: GuidedTable,
): { readonly manifest?: ImageManifest; readonly fault?: string } {
  const entry = findEntry(table, SEVLAB_MANIFEST_GUID);
  if (entry?.data.length !== OffsetBlock.size) return {};
  const { fromEnd } = OffsetBlock.decode(entry.data);
  if (fromEnd < ImageManifest.size) {
    return {
      fault: `the manifest lies ${fromEnd} bytes before the end; expected ${ImageManifest.size} or more`,
    };
  }
  if (fromEnd > image.length) return {};
  const manifestAt = image.length - fromEnd;
  const manifest = ImageManifest.decodeAt(image, manifestAt);
  const fault = manifestFault(manifest, fromEnd);
  if (fault !== undefined) return { fault: `the image is damaged: ${fault}` };
  if (manifest.imageSize !== image.length) {
    return { fault: `the manifest says the image has ${manifest.imageSize} bytes; it has ${image.length}` };
  }
  const found = bodyChecksum([image], manifestAt);
  if (!equal(found, manifest.bodySha256)) {
    return {
      fault: `the image is damaged: its manifest says SHA-256 ${toHex(manifest.bodySha256)}, got ${toHex(found)}`,
    };
  }
  return { manifest };
}
