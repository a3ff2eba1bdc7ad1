import { toHex } from './bytes.ts';
import { GUID_NAMES, type Guid } from './guid.ts';
import type { Annotation } from './layout.ts';

/** Bytes on one row. */
const ROW = 16;
/** A value of more bytes is cut off; the row's own bytes show the rest. */
const SHORT = 8;

/** One line of an annotated dump, for a terminal or a page. */
export interface HexRow {
  /** Offset of the first byte in the structure: hexadecimal, four digits or more. */
  readonly offset: string;
  /** Up to 16 bytes as pairs of digits with a space between; `*` stands for rows like the one above. */
  readonly bytes: string;
  /** The same bytes as ASCII, a dot for each that does not print. */
  readonly ascii: string;
  /** The field that starts here; empty where it goes on. */
  readonly name: string;
  /** Its value as describeValue writes it; "cut off" where the input ends before the field does. */
  readonly value: string;
}

/**
 * The rows of an annotated structure, each field on rows of its own. Inside a field, further rows that equal the
 * one above are one row `*`, as in hexdump.
 */
export function hexRows(annotations: readonly Annotation[]): HexRow[] {
  return annotations.flatMap((annotation) => {
    const { name, offset, size, bytes } = annotation;
    const value = bytes.length < size ? `cut off: ${bytes.length} of ${size} bytes` : describe(annotation);
    const rows: HexRow[] = [{ ...cells(offset, bytes.subarray(0, ROW)), name, value }];
    let above = rows[0]?.bytes;
    for (let at = ROW; at < bytes.length; at += ROW) {
      const row = cells(offset + at, bytes.subarray(at, at + ROW));
      if (row.bytes !== above) rows.push({ ...row, name: '', value: '' });
      else if (rows.at(-1)?.bytes !== '*') rows.push({ ...row, bytes: '*', ascii: '', name: '', value: '' });
      above = row.bytes;
    }
    return rows;
  });
}

const describe = (annotation: Annotation): string =>
  'value' in annotation ? describeValue(annotation.value) : 'reserved';

function cells(offset: number, bytes: Uint8Array): Pick<HexRow, 'offset' | 'bytes' | 'ascii'> {
  return {
    offset: offset.toString(16).padStart(4, '0'),
    bytes: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
    ascii: String.fromCharCode(...bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e))),
  };
}

/**
 * A field's value as text: addresses and u64 `0x810000`, other integers `0x34 (52)`, bytes as digits (cut off after
 * 8 bytes), a GUID with its name if it has one, other text quoted.
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (typeof value === 'number') return `0x${value.toString(16)} (${value})`;
  if (value instanceof Uint8Array) return describeBytes(value);
  if (typeof value === 'string') return describeText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${describeValue(inner)}`)
    .join(', ');
}

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length > SHORT && bytes.every((byte) => byte === bytes[0])) {
    return `${bytes.length} bytes of ${toHex(bytes.subarray(0, 1))}`;
  }
  if (bytes.length <= SHORT) return toHex(bytes);
  return `${toHex(bytes.subarray(0, SHORT))}… (${bytes.length} bytes)`;
}

function describeText(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return JSON.stringify(text);
  const name = GUID_NAMES.get(text as Guid); // it looks like one; a text that is none has no name
  return name === undefined ? text : `${text} (${name})`;
}
