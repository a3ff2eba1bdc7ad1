import { concat } from '../bytes.ts';
import { type Guid, guid, OVMF_TABLE_FOOTER_GUID } from '../guid.ts';
import { at, LengthError, struct, u16le, u32le, type ValueOf } from '../layout.ts';

/** Behind the data of every entry of the GUIDed table; the footer is such an entry without data. 18 bytes. */
export const GuidedEntryTail = struct(
  'OVMF GUIDed table entry',
  'edk2 OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.nasm.inc',
  {
    len: at(0x00, u16le, 'Length of data, this field and the GUID; in the footer, of the whole table.'),
    guid: at(0x02, guid, 'What the entry is.'),
  },
);

/** The data of the secret block, the hash table block: where an area lies. 8 bytes. */
export const AreaBlock = struct(
  'OVMF area block',
  'edk2 OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.nasm.inc: sevSecretBlockStart, sevFwHashBlockStart',
  {
    base: at(0x00, u32le, 'Guest-physical address of the area; 0 when the image has none.'),
    size: at(0x04, u32le, 'Length of the area, in bytes; 0 when the image has none.'),
  },
);
export type AreaBlock = ValueOf<typeof AreaBlock>;

/** From the end of the image to the first byte behind the table: the reset vector lies there. In bytes. */
export const TABLE_END_FROM_IMAGE_END = 32;

/** One entry of the table, without its length and GUID. */
export interface GuidedEntry {
  readonly guid: Guid;
  readonly data: Uint8Array;
  /** Offset of the data in the image, in bytes. */
  readonly offset: number;
}

/** What readGuidedTable found: a table with `offset` and `size` in the image, in bytes, or why there is none. */
export type GuidedTable =
  | {
      readonly kind: 'table';
      readonly entries: readonly GuidedEntry[];
      readonly offset: number;
      readonly size: number;
      readonly damaged?: string;
    }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Walks the table backwards from its footer, as QEMU does (hw/i386/pc_sysfw_ovmf.c,
 * pc_system_parse_ovmf_flash and pc_system_ovmf_table_find). Entries come in the order of that walk: the one
 * nearest the end of the image first, so the first match is QEMU's match. A damaged entry ends the walk and is
 * told in `damaged`; those before it stay usable.
 */
export function readGuidedTable(image: Uint8Array): GuidedTable {
  if (image.length < 4096)
    return { kind: 'none', reason: `the image has ${image.length} bytes, fewer than a page` };
  const tableEnd = image.length - TABLE_END_FROM_IMAGE_END;
  const footerAt = tableEnd - GuidedEntryTail.size;
  const footer = GuidedEntryTail.decodeAt(image, footerAt);
  if (footer.guid !== OVMF_TABLE_FOOTER_GUID) {
    return {
      kind: 'none',
      reason: `48 bytes before its end is ${footer.guid} and not the footer ${OVMF_TABLE_FOOTER_GUID}`,
    };
  }
  const payload = footer.len - GuidedEntryTail.size;
  if (payload < 0 || payload > footerAt) {
    return {
      kind: 'none',
      reason: `its footer announces a table of ${footer.len} bytes: OVMF table has invalid size`,
    };
  }
  if (payload === 0) return { kind: 'none', reason: 'its footer announces a table without entries' };

  const start = footerAt - payload;
  const entries: GuidedEntry[] = [];
  let cursor = footerAt;
  let damaged: string | undefined;
  while (cursor - start >= GuidedEntryTail.size) {
    const tail = GuidedEntryTail.decodeAt(image, cursor - GuidedEntryTail.size);
    if (tail.len < GuidedEntryTail.size || tail.len > cursor - start) {
      damaged = `entry ${tail.guid} announces ${tail.len} bytes, of which ${cursor - start} are left`;
      break;
    }
    const offset = cursor - tail.len;
    const data = new Uint8Array(image.subarray(offset, cursor - GuidedEntryTail.size));
    entries.push({ guid: tail.guid, data, offset });
    cursor = offset;
  }
  const table = { kind: 'table', entries, offset: start, size: footer.len } as const;
  return damaged === undefined ? table : { ...table, damaged };
}

/** The first entry of that GUID in QEMU's walk. */
export function findEntry(table: GuidedTable, wanted: Guid): GuidedEntry | undefined {
  return table.kind === 'table' ? table.entries.find((entry) => entry.guid === wanted) : undefined;
}

/** The area that an entry of the table announces, or undefined when there is no entry of 8 bytes. */
export function findArea(table: GuidedTable, wanted: Guid): AreaBlock | undefined {
  const entry = findEntry(table, wanted);
  return entry?.data.length === AreaBlock.size ? AreaBlock.decode(entry.data) : undefined;
}

/** Builds the table from entries in file order (low address first), footer included. Throws when over 65,535 bytes. */
export function buildGuidedTable(entries: readonly { guid: Guid; data: Uint8Array }[]): Uint8Array {
  const body = entries.map(({ guid: name, data }) =>
    concat(data, GuidedEntryTail.encode({ len: data.length + GuidedEntryTail.size, guid: name })),
  );
  const size = body.reduce((sum, entry) => sum + entry.length, GuidedEntryTail.size);
  if (size > 0xffff) throw new LengthError('OVMF GUIDed table', 0xffff, size);
  return concat(...body, GuidedEntryTail.encode({ len: size, guid: OVMF_TABLE_FOOTER_GUID }));
}
