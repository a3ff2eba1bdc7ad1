import { padTo } from '@sevlab/codec/bytes';
import { parseArguments } from './arguments.ts';
import { ENOUGH, eachPart, type Program, ProgramExit, print, strerror, warn } from './program.ts';
import { quoteBeforeColon } from './quote.ts';
import { createRowReader, type DumpRow } from './rows.ts';

const ROW = 16;

/** How a unit of the input is shown. */
interface Format {
  /** Bytes of a unit. */
  readonly size: number;
  /** Columns of a unit, with the blank in front. */
  readonly width: number;
  readonly show: (unit: DataView) => string;
  /** `z`: the printable characters stand at the end of the line. */
  readonly text: boolean;
}

/** Types that stand for letters. */
const SHORT: Readonly<Record<string, string>> = {
  a: 'a',
  b: 'o1',
  c: 'c',
  d: 'u2',
  i: 'd4',
  o: 'o2',
  s: 'd2',
  x: 'x2',
};

const NAMED: readonly string[] =
  'nul soh stx etx eot enq ack bel bs ht nl vt ff cr so si dle dc1 dc2 dc3 dc4 nak syn etb can em sub esc fs gs rs us sp'.split(
    ' ',
  );
const ESCAPES: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};
/** Digits of the largest unit, with room for a sign in `d`. */
const DIGITS: Readonly<Record<string, readonly number[]>> = {
  x: [2, 4, 8, 16],
  o: [3, 6, 11, 22],
  u: [3, 5, 10, 20],
  d: [4, 6, 11, 20],
};

/** od(1), coreutils 9.1: -A, -t (a c d o u x, z), -N, -j, -v, -w16, and the short types. */
export const od: Program = function* (process) {
  const { options, given, operands } = parseArguments('od', process.args, {
    letters: 'A:t:N:j:vabcdiosx',
    long: {
      'address-radix': 'A',
      format: 't',
      'read-bytes': 'N',
      'skip-bytes': 'j',
      'output-duplicates': 'v',
    },
  });
  const radix = options.get('A') ?? 'o';
  if (!/^[doxn]/.test(radix)) {
    throw new ProgramExit(
      `od: invalid output address radix '${radix}'; it must be one character from [doxn]\n`,
      1,
    );
  }
  const types = given.flatMap(([letter, value]) =>
    letter === 't' ? [value] : Object.hasOwn(SHORT, letter) ? [SHORT[letter]!] : [],
  );
  const formats = (types.length > 0 ? types : ['o2']).flatMap(parseType);
  let toSkip = countOf(options.get('j') ?? '0', 'j');
  const skipped = toSkip;
  const rows = createRowReader(ROW, {
    squeeze: !options.has('v'),
    limit: options.has('N') ? countOf(options.get('N') ?? '', 'N') : Infinity,
  });
  const line = (row: DumpRow): string => formatRow(row, { formats, radix, skipped });

  let status = 0;
  let opened = 0;
  for (const path of operands.length > 0 ? operands : ['-']) {
    if (rows.done) break;
    const error = yield* eachPart(process, path, function* (part) {
      const skip = Math.min(toSkip, part.length);
      toSkip -= skip;
      yield* print(process, rows.take(part.subarray(skip)).map(line).join(''));
      return rows.done ? ENOUGH : undefined;
    });
    if (error === undefined || error === 'EISDIR') opened++;
    if (error === undefined) continue;
    warn(process, `${quoteBeforeColon(path)}: ${strerror(error)}`);
    status = 1;
  }
  if (opened === 0) return status;
  if (toSkip > 0) throw new ProgramExit('od: cannot skip past end of combined input\n', 1);
  const end = radix.startsWith('n') ? '' : `${addressText(skipped + rows.total, radix)}\n`;
  yield* print(process, rows.end().map(line).join('') + end);
  return status;
};

/** Throws ProgramExit with what od says. */
function countOf(text: string, letter: string): number {
  if (/^(0x[\da-f]+|\d+)$/i.test(text))
    return text.startsWith('0') && !/x/i.test(text) ? parseInt(text, 8) : Number(text);
  throw new ProgramExit(`od: invalid -${letter} argument '${text}'\n`, 1);
}

function parseType(type: string): Format[] {
  const formats: Format[] = [];
  const pattern = /([ac])(z?)|([doux])(\d+|[CSIL])?(z?)/y;
  for (let at = 0; at < type.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(type);
    if (match === null)
      throw new ProgramExit(`od: invalid character '${type[at]}' in type string '${type}'\n`, 1);
    const [, character, characterText, number, size = '4', numberText] = match;
    if (character !== undefined) formats.push(characterFormat(character, characterText === 'z'));
    else formats.push(numberFormat(number!, size, { text: numberText === 'z', type }));
  }
  return formats;
}

const characterFormat = (type: string, text: boolean): Format => ({
  size: 1,
  width: 4,
  text,
  show: (unit) => (type === 'a' ? nameOf(unit.getUint8(0) & 0x7f) : characterOf(unit.getUint8(0))),
});

const nameOf = (code: number): string => (code === 127 ? 'del' : (NAMED[code] ?? String.fromCharCode(code)));

const characterOf = (byte: number): string =>
  ESCAPES[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(8).padStart(3, '0'));

const SIZE_LETTERS: Readonly<Record<string, number>> = { C: 1, S: 2, I: 4, L: 8 };

function numberFormat(
  type: string,
  sizeText: string,
  { text, type: whole }: { readonly text: boolean; readonly type: string },
): Format {
  const size = SIZE_LETTERS[sizeText] ?? Number(sizeText);
  const log = [1, 2, 4, 8].indexOf(size);
  if (log === -1) {
    throw new ProgramExit(
      `od: invalid type string '${whole}';\nthis system doesn't provide a ${size}-byte integral type\n`,
      1,
    );
  }
  const digits = DIGITS[type]![log]!;
  const base = type === 'x' ? 16 : type === 'o' ? 8 : 10;
  return {
    size,
    width: digits + 1,
    text,
    show: (unit) => {
      const value = integerOf(unit, size, type === 'd').toString(base);
      return type === 'x' || type === 'o' ? value.padStart(digits, '0') : value;
    },
  };
}

function integerOf(unit: DataView, size: number, signed: boolean): bigint {
  const value = size === 8 ? unit.getBigUint64(0, true) : BigInt(readSmall(unit, size));
  return signed ? BigInt.asIntN(size * 8, value) : value;
}

const readSmall = (unit: DataView, size: number): number =>
  size === 1 ? unit.getUint8(0) : size === 2 ? unit.getUint16(0, true) : unit.getUint32(0, true);

function addressText(address: number, radix: string): string {
  if (radix.startsWith('n')) return '';
  const base = { o: 8, d: 10, x: 16 }[radix[0]!] ?? 8;
  return address.toString(base).padStart(radix.startsWith('x') ? 6 : 7, '0');
}

function formatRow(
  { offset, bytes }: DumpRow,
  layout: { readonly formats: readonly Format[]; readonly radix: string; readonly skipped: number },
): string {
  if (bytes === undefined) return '*\n';
  const { formats, radix, skipped } = layout;
  const address = addressText(offset + skipped, radix);
  // every line is as wide as the widest, so that units of different sizes stand below each other
  const lineWidth = Math.max(...formats.map(({ size, width }) => (ROW / size) * width));
  return formats
    .map((format, i) => {
      const { size, show, text } = format;
      const padded = padTo(bytes, Math.ceil(bytes.length / size) * size);
      const cells = Array.from({ length: padded.length / size }, (_, unit) =>
        show(new DataView(padded.buffer, padded.byteOffset + unit * size, size)),
      );
      const columns = cells
        .map((cell, unit) => cell.padStart(columnWidth(lineWidth, ROW / size, unit)))
        .join('');
      const line = text ? `${columns.padEnd(lineWidth)}  >${printable(bytes)}<` : columns;
      return `${i === 0 ? address : ' '.repeat(address.length)}${line}\n`;
    })
    .join('');
}

/** od spreads the blanks that a narrower line has too many over its columns, from the last to the first. */
function columnWidth(lineWidth: number, columns: number, index: number): number {
  const endOf = (column: number): number =>
    lineWidth - Math.floor((lineWidth * (columns - column)) / columns);
  return endOf(index + 1) - endOf(index);
}

const printable = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
