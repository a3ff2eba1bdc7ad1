import { toHex } from '@sevlab/codec/bytes';
import { parseArguments } from './arguments.ts';
import { ENOUGH, eachPart, type Program, ProgramExit, print, strerror } from './program.ts';
import { createRowReader, type DumpRow } from './rows.ts';

const ROW = 16;
/** Bytes of a line of plain hex. */
const PLAIN_ROW = 30;

/** xxd(1), vim 9.0: -l, -c, -p, -u, -g left at 2; one file. */
export const xxd: Program = function* (process) {
  const { options, operands } = parseArguments('xxd', joinPs(process.args), { letters: 'l:c:pu' });
  const [path = '-', ...others] = operands;
  if (others.length > 0) throw new ProgramExit('xxd: this one writes no file; give one to read\n', 1);
  const plain = options.has('p');
  const width = Number(options.get('c') ?? (plain ? PLAIN_ROW : ROW));
  if (!Number.isInteger(width) || width < 1 || width > 256)
    throw new ProgramExit('xxd: invalid number of columns (max. 256).\n', 1);
  const limit = options.get('l');
  const rows = createRowReader(width, {
    squeeze: false,
    limit: limit === undefined || limit.startsWith('-') ? Infinity : parseInt(limit, 10) || 0,
  });
  const line = ({ offset, bytes = new Uint8Array() }: DumpRow): string => {
    const hex = options.has('u') ? toHex(bytes).toUpperCase() : toHex(bytes);
    return plain ? `${hex}\n` : dumpLine(offset, bytes, { hex, width });
  };
  const error = yield* eachPart(process, path, function* (part) {
    yield* print(process, rows.take(part).map(line).join(''));
    return rows.done ? ENOUGH : undefined;
  });
  // xxd tells of a file that it cannot open by name, and of one that it cannot read without
  if (error !== undefined)
    throw new ProgramExit(`xxd: ${error === 'EISDIR' ? '' : `${path}: `}${strerror(error)}\n`, 2);
  yield* print(process, rows.end().map(line).join(''));
  return 0;
};

/** `-ps` is another spelling of `-p`. */
const joinPs = (args: readonly string[]): string[] => args.map((arg) => (arg === '-ps' ? '-p' : arg));

function dumpLine(
  offset: number,
  bytes: Uint8Array,
  { hex, width }: { readonly hex: string; readonly width: number },
): string {
  const groups = (hex.match(/.{1,4}/g) ?? []).join(' ');
  const text = Array.from(bytes, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join(
    '',
  );
  const columns = 2 * width + Math.ceil(width / 2) + 1;
  return `${offset.toString(16).padStart(8, '0')}: ${groups.padEnd(columns)}${text}\n`;
}
