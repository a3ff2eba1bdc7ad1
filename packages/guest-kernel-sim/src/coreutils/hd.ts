import { concat, toHex } from '@sevlab/codec/bytes';
import { type Command, errnoOf, isResult, parseArguments, strerror } from './command.ts';

const ROW = 16;

/** hd(1), which is hexdump -C, util-linux 2.38.1: no options; files are read as one. */
export const hd: Command = ({ sys, args }) => {
  const parsed = parseArguments('hd', args, '');
  if (isResult(parsed)) return parsed;
  const { operands } = parsed;
  const parts: Uint8Array[] = [];
  let output = '';
  for (const path of operands) {
    const error = errnoOf(() => parts.push(sys.readFile(path)));
    if (error !== undefined) output += `hd: ${path}: ${strerror(error)}\n`;
  }
  const failed = operands.length - parts.length;
  if (failed > 0 && parts.length === 0) output += 'hd: all input file arguments failed\n';
  return { output: output + canonicalDump(concat(...parts)), status: failed > 0 ? 1 : 0 };
};

/** Rows of 16 bytes; a whole row equal to the one above becomes `*`; the length stands at the end. */
export function canonicalDump(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  let dump = '';
  let above: string | undefined;
  let starred = false;
  for (let offset = 0; offset < bytes.length; offset += ROW) {
    const row = bytes.subarray(offset, offset + ROW);
    const hex = toHex(row);
    if (hex === above) {
      if (!starred) dump += '*\n';
      starred = true;
      continue;
    }
    above = hex;
    starred = false;
    const cells = Array.from(row, (_, i) => (i === 8 ? ' ' : '') + hex.slice(2 * i, 2 * i + 2)).join(' ');
    const text = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    ).join('');
    dump += `${offsetText(offset)}  ${cells.padEnd(48)}  |${text}|\n`;
  }
  return `${dump}${offsetText(bytes.length)}\n`;
}

const offsetText = (offset: number): string => offset.toString(16).padStart(8, '0');
