import { concat, toHex } from '@sevlab/codec/bytes';
import { parseArguments } from './arguments.ts';
import { ENOUGH, eachPart, type Program, ProgramExit, print, strerror, warn } from './program.ts';
import { createRowReader, type RowReader } from './rows.ts';

const ROW = 16;

/**
 * hexdump(1), util-linux 2.38.1: -C, -n, -v; files are read as one. Called hd, -C goes without saying, and said
 * nevertheless it shows each row once more.
 */
export const hexdump: Program = function* (process) {
  const { name, args } = process;
  const { options, operands } = parseArguments(name, args, {
    letters: 'Cn:v',
    long: { canonical: 'C', length: 'n', 'no-squeezing': 'v' },
  });
  const length = options.get('n');
  if (length !== undefined && !/^\d+$/.test(length))
    throw new ProgramExit(`${name}: failed to parse length: '${length}': Invalid argument\n`, 1);
  const format =
    name !== 'hd' ? (options.has('C') ? canonical : twoByteHex) : options.has('C') ? twice : canonical;
  const rows = createRowReader(ROW, { squeeze: !options.has('v'), limit: Number(length ?? Infinity) });

  let failed = 0;
  for (const path of operands.length > 0 ? operands : ['-']) {
    const error = yield* eachPart(process, path, function* (part) {
      yield* print(process, rows.take(part).map(format).join(''));
      return rows.done ? ENOUGH : undefined;
    });
    if (error !== undefined) warn(process, `${path}: ${strerror(error)}`);
    if (error !== undefined && error !== 'EISDIR') failed++; // it tells of a directory, and counts it as read
    if (rows.done) break;
  }
  if (operands.length > 0 && failed === operands.length) {
    warn(process, 'all input file arguments failed');
    return 1;
  }
  yield* print(process, rest(rows, format));
  return failed > 0 ? 1 : 0;
};

/** A row of a dump; `bytes` is undefined for those that repeat the row above. */
type Row = ReturnType<RowReader['take']>[number];

function rest(rows: RowReader, format: (row: Row) => string): string {
  const last = rows.end().map(format).join('');
  const width = format === twoByteHex ? 7 : 8;
  return rows.total === 0 ? '' : `${last}${offsetText(rows.total, width)}\n`;
}

function canonical({ offset, bytes }: Row): string {
  if (bytes === undefined) return '*\n';
  const hex = toHex(bytes);
  const cells = Array.from(bytes, (_, i) => (i === 8 ? ' ' : '') + hex.slice(2 * i, 2 * i + 2)).join(' ');
  const text = Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  ).join('');
  return `${offsetText(offset, 8)}  ${cells.padEnd(48)}  |${text}|\n`;
}

const twice = (row: Row): string => canonical(row).repeat(row.bytes === undefined ? 1 : 2);

/** What hexdump does without -C: little-endian words of two bytes; what is not there is blank. */
function twoByteHex({ offset, bytes }: Row): string {
  if (bytes === undefined) return '*\n';
  const even = bytes.length % 2 === 0 ? bytes : concat(bytes, new Uint8Array(1));
  let words = '';
  for (let i = 0; i < even.length; i += 2) words += ` ${toHex(even.slice(i, i + 2).reverse())}`;
  return `${offsetText(offset, 7)}${words.padEnd(40)}\n`;
}

const offsetText = (offset: number, width: number): string => offset.toString(16).padStart(width, '0');
