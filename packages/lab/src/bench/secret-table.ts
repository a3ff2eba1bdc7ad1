import { encodeSecretTable, readSecretTable, type Secret } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID } from '@sevlab/codec/guid';
import { compare, type Effort } from './compare.ts';
import { type Figure, ratioFigure } from './figure.ts';
import { benchSecrets } from './guest-under-test.ts';

const ENTRIES = 64;
const HEAD = 20;

/** The table of secrets beside the least that a loop over a DataView can do. */
export function secretTableFigures(effort: Effort): Figure[] {
  const secrets = benchSecrets(ENTRIES);
  const table = encodeSecretTable(secrets);
  const reference = 'a hand-written loop over a DataView, the same values in and out';
  return [
    ratioFigure(
      {
        name: 'table-decode',
        what: `secret table of ${ENTRIES} entries, read`,
        reference,
        target: { atMost: 2.5 },
      },
      compare(
        () => readSecretTable(table),
        () => readByHand(table),
        effort,
      ),
    ),
    ratioFigure(
      {
        name: 'table-encode',
        what: `secret table of ${ENTRIES} entries, written`,
        reference,
        target: { atMost: 2.5 },
      },
      compare(
        () => encodeSecretTable(secrets),
        () => writeByHand(secrets),
        effort,
      ),
    ),
  ];
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 16 bytes as GUID text. */
function textAt(view: DataView, at: number): string {
  const pair = (offset: number): string => HEX[view.getUint8(at + offset)]!; // a byte is from 0 to 255
  const run = (...offsets: number[]): string => offsets.map(pair).join('');
  return `${run(3, 2, 1, 0)}-${run(5, 4)}-${run(7, 6)}-${run(8, 9)}-${run(10, 11, 12, 13, 14, 15)}`;
}

/** The entries, without any check. */
function readByHand(table: Uint8Array): { guid: string; data: Uint8Array }[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const end = view.getUint32(16, true);
  const entries: { guid: string; data: Uint8Array }[] = [];
  for (let at = HEAD; at + HEAD <= end; ) {
    const length = view.getUint32(at + 16, true);
    entries.push({ guid: textAt(view, at), data: table.slice(at + HEAD, at + length) });
    at += length;
  }
  return entries;
}

/** The table, without any check. */
function writeByHand(secrets: readonly Secret[]): Uint8Array {
  const length = secrets.reduce((sum, { data }) => sum + HEAD + data.length, HEAD);
  const table = new Uint8Array(length);
  const view = new DataView(table.buffer);
  writeHead(view, 0, EFI_SECRET_TABLE_HEADER_GUID, length);
  let at = HEAD;
  for (const { guid, data } of secrets) {
    writeHead(view, at, guid, HEAD + data.length);
    table.set(data, at + HEAD);
    at += HEAD + data.length;
  }
  return table;
}

function writeHead(view: DataView, at: number, guid: string, length: number): void {
  view.setUint32(at, Number.parseInt(guid.slice(0, 8), 16), true);
  view.setUint16(at + 4, Number.parseInt(guid.slice(9, 13), 16), true);
  view.setUint16(at + 6, Number.parseInt(guid.slice(14, 18), 16), true);
  view.setUint16(at + 8, Number.parseInt(guid.slice(19, 23), 16));
  view.setUint16(at + 10, Number.parseInt(guid.slice(24, 28), 16));
  view.setUint32(at + 12, Number.parseInt(guid.slice(28), 16));
  view.setUint32(at + 16, length, true);
}
