import { EFI_SECRET_TABLE_HEADER_GUID, type Guid, guid, NULL_GUID } from '../guid.ts';
import { at, struct, u32le, type ValueOf } from '../layout.ts';

/** The start of a populated secret area. 20 bytes. */
export const SecretHeader = struct(
  'secret table header',
  'drivers/virt/coco/efi_secret/efi_secret.c: struct secret_header',
  {
    guid: at(0x00, guid, 'EFI_SECRET_TABLE_HEADER_GUID, else the area holds no secrets.'),
    len: at(0x10, u32le, 'Length of the table with this header, in bytes.'),
  },
);
export type SecretHeader = ValueOf<typeof SecretHeader>;

/** In front of each secret. 20 bytes. */
export const SecretEntry = struct(
  'secret table entry',
  'drivers/virt/coco/efi_secret/efi_secret.c: struct secret_entry',
  {
    guid: at(0x00, guid, 'Name of the secret; NULL_GUID for one that was deleted.'),
    len: at(0x10, u32le, 'Length of the entry with these 20 bytes, in bytes.'),
  },
);
export type SecretEntry = ValueOf<typeof SecretEntry>;

/** One secret: at most 2^32 - 21 bytes under a name. */
export interface Secret {
  readonly guid: Guid;
  readonly data: Uint8Array;
}

/**
 * Builds the table: header, then the entries in the given order. The length in the header does not count any
 * padding that a packet needs behind it. Throws RangeError when a GUID is given twice or is NULL_GUID: the
 * kernel would refuse the whole area, or hide the entry.
 */
export function encodeSecretTable(secrets: readonly Secret[]): Uint8Array {
  const seen = new Set<Guid>();
  for (const { guid: name } of secrets) {
    if (seen.has(name)) throw new RangeError(`secret ${name} is given twice; expected each GUID once`);
    if (name === NULL_GUID) throw new RangeError(`secret ${name} is NULL_GUID, which marks a deleted entry`);
    seen.add(name);
  }
  const len = secrets.reduce((sum, { data }) => sum + SecretEntry.size + data.length, SecretHeader.size);
  const table = new Uint8Array(len);
  SecretHeader.encodeInto(table, { guid: EFI_SECRET_TABLE_HEADER_GUID, len });
  let offset = SecretHeader.size;
  for (const { guid: name, data } of secrets) {
    const entry = table.subarray(offset, offset + SecretEntry.size + data.length);
    SecretEntry.encodeInto(entry, { guid: name, len: entry.length });
    entry.set(data, SecretEntry.size);
    offset += entry.length;
  }
  return table;
}

/** One entry as it lies in the area. */
export interface SecretTableEntry extends Secret {
  /** Offset of the entry in the area, in bytes. */
  readonly offset: number;
  /** Length of the entry with its 20 bytes, in bytes. */
  readonly len: number;
}

/** What readSecretTable found; `header` is absent when the area is too short for one. */
export interface SecretTable {
  readonly header: SecretHeader | undefined;
  readonly entries: readonly SecretTableEntry[];
  /** Why the walk ended early; absent for a sound table. */
  readonly error?: string;
}

/**
 * Reads a table for a person to look at. Unlike the kernel it keeps what it found before a fault, shows deleted
 * entries, and does not stop at 64.
 */
export function readSecretTable(area: Uint8Array): SecretTable {
  if (area.length < SecretHeader.size) {
    return {
      header: undefined,
      entries: [],
      error: `the area has ${area.length} bytes; expected 20 or more`,
    };
  }
  const header = SecretHeader.decodeAt(area, 0);
  const stop = (error: string, entries: SecretTableEntry[] = []): SecretTable => ({ header, entries, error });
  if (header.guid !== EFI_SECRET_TABLE_HEADER_GUID) {
    return stop(`the area starts with ${header.guid}; expected ${EFI_SECRET_TABLE_HEADER_GUID}`);
  }
  if (header.len < SecretHeader.size || header.len > area.length) {
    return stop(`the header announces ${header.len} bytes; expected 20 to ${area.length}`);
  }
  const entries: SecretTableEntry[] = [];
  let offset = SecretHeader.size;
  while (header.len - offset >= SecretEntry.size) {
    const { guid: name, len } = SecretEntry.decodeAt(area, offset);
    const left = header.len - offset;
    if (len < SecretEntry.size || len > left) {
      return stop(`the entry at offset ${offset} announces ${len} bytes; expected 20 to ${left}`, entries);
    }
    const data = new Uint8Array(area.subarray(offset + SecretEntry.size, offset + len));
    entries.push({ guid: name, len, data, offset });
    offset += len;
  }
  return { header, entries };
}
