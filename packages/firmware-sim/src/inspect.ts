import { createHash } from 'node:crypto';
import { hexAddress } from '@sevlab/codec/address';
import { equal, toHex } from '@sevlab/codec/bytes';
import {
  GUID_NAMES,
  type Guid,
  guidToBytes,
  IGVM_METADATA_GUID,
  OVMF_TABLE_FOOTER_GUID,
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
import { bodyChecksum } from './body-checksum.ts';
import { OffsetBlock, ResetBlock } from './image.ts';
import { manifestFault } from './manifest.ts';
import { readSevMetadata, type SevMetadataSection } from './sev-metadata.ts';

/** `error`: launch secrets cannot work with this image, or it is damaged. `warning`: a trap on the way. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

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
  readonly findings: readonly Finding[];
}

/** What an image's bytes say, and what is wrong with them. Accepts any bytes. */
export function inspectImage(image: Uint8Array): Inspection {
  const table = readGuidedTable(image);
  const entries = table.kind === 'table' ? table.entries : [];
  const secretArea = findArea(table, SEV_SECRET_BLOCK_GUID);
  const hashesArea = findArea(table, SEV_HASH_TABLE_BLOCK_GUID);
  const { manifest, fault } = readManifest(image, table);
  return {
    size: image.length,
    sha256: createHash('sha256').update(image).digest('hex'),
    table: table.kind === 'table' ? { kind: 'table', offset: table.offset, size: table.size } : table,
    entries: entries.map((entry) => inspectEntry(image, entry)),
    secretArea,
    hashesArea,
    manifest,
    findings: [
      ...tableFindings(image, table),
      ...entryFindings(image, entries),
      ...(table.kind === 'table' ? areaFindings(table, secretArea, hashesArea) : []),
      ...(fault === undefined ? [] : [error(fault)]),
    ],
  };
}

const error = (text: string): Finding => ({ severity: 'error', text });
const warning = (text: string): Finding => ({ severity: 'warning', text });

const AREA_GUIDS: readonly Guid[] = [SEV_SECRET_BLOCK_GUID, SEV_HASH_TABLE_BLOCK_GUID];
const OFFSET_GUIDS: readonly Guid[] = [
  SEV_METADATA_GUID,
  TDX_METADATA_GUID,
  IGVM_METADATA_GUID,
  SEVLAB_MANIFEST_GUID,
];

const nameOf = (guid: Guid): string => GUID_NAMES.get(guid) ?? 'unknown';

function inspectEntry(image: Uint8Array, entry: GuidedEntry): InspectedEntry {
  const named = { ...entry, name: nameOf(entry.guid) };
  const decoded = decodeEntry(image, entry);
  return decoded ? { ...named, decoded } : named;
}

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
    return table.damaged === undefined
      ? []
      : [error(`the GUIDed table is damaged: ${table.damaged}; nothing before that entry can be found`)];
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
    if (guid === SEV_METADATA_GUID) {
      const metadata = readSevMetadata(image, OffsetBlock.decode(data).fromEnd);
      return 'error' in metadata ? [error(`the SEV metadata ${metadata.error}`)] : [];
    }
    if (OFFSET_GUIDS.includes(guid)) {
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

/** LAUNCH_SECRET takes addresses that are multiples of 16 (55766, LAUNCH_SECRET). */
const SECRET_ALIGNMENT = 16;

function areaFindings(
  table: GuidedTable,
  secretArea: AreaBlock | undefined,
  hashesArea: AreaBlock | undefined,
): Finding[] {
  const findings: Finding[] = [];
  if (secretArea === undefined) {
    if (findEntry(table, SEV_SECRET_BLOCK_GUID) === undefined) {
      findings.push(warning('there is no secret block: QEMU injects only where it is told a GPA'));
    }
  } else if (secretArea.size === 0) {
    findings.push(
      warning(
        `the secret block says base ${hexAddress(BigInt(secretArea.base))}, size 0: this firmware has no secret ` +
          'area, and QEMU would inject there all the same',
      ),
    );
  } else if (secretArea.base % SECRET_ALIGNMENT !== 0) {
    findings.push(error(`the secret area ${rangeText(secretArea)} does not start at a multiple of 16`));
  }
  for (const [name, area] of [
    ['secret', secretArea],
    ['hashes', hashesArea],
  ] as const) {
    if (area && area.size > 0 && !insideOnePage(area)) {
      findings.push(error(`the ${name} area ${rangeText(area)} does not lie inside one page of 4096 bytes`));
    }
  }
  if (secretArea && hashesArea && overlap(secretArea, hashesArea)) {
    findings.push(
      error(`the secret area ${rangeText(secretArea)} overlaps the hashes area ${rangeText(hashesArea)}`),
    );
  }
  return findings;
}

const rangeText = ({ base, size }: AreaBlock): string =>
  `${hexAddress(BigInt(base))} to ${hexAddress(BigInt(base + size - 1))}`;

const insideOnePage = ({ base, size }: AreaBlock): boolean =>
  Math.floor(base / 4096) === Math.floor((base + size - 1) / 4096);

const overlap = (a: AreaBlock, b: AreaBlock): boolean =>
  a.size > 0 && b.size > 0 && a.base < b.base + b.size && b.base < a.base + a.size;

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
  const found = bodyChecksum(image, manifestAt);
  if (!equal(found, manifest.bodySha256)) {
    return {
      fault: `the image is damaged: its manifest says SHA-256 ${toHex(manifest.bodySha256)}, got ${toHex(found)}`,
    };
  }
  return { manifest };
}
