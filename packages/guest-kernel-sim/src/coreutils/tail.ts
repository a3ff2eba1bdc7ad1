import { concat } from '@sevlab/codec/bytes';
import { parseArguments } from './arguments.ts';
import { eachFile, headingOf, spellOut } from './head.ts';
import { type Program, ProgramExit, print, type Run, receive, type Source } from './program.ts';
import { quote } from './quote.ts';

const NEWLINE = 0x0a;

/** tail(1), coreutils 9.1: -n, -c without suffixes but with `+`, -q, -v, and -NUMBER. */
export const tail: Program = function* (process) {
  const { options, operands } = parseArguments('tail', spellOut(process.args), {
    letters: 'n:c:qv',
    long: { lines: 'n', bytes: 'c', quiet: 'q', silent: 'q', verbose: 'v' },
  });
  const unit = [...options.keys()].findLast((letter) => letter === 'n' || letter === 'c') ?? 'n';
  const word = options.get(unit) ?? '10';
  const match = /^(?<sign>[+-]?)(?<digits>\d+)$/.exec(word);
  if (match === null)
    throw new ProgramExit(`tail: invalid number of ${unit === 'n' ? 'lines' : 'bytes'}: ${quote(word)}\n`, 1);
  const count = Number(match.groups?.digits);
  const fromStart = match.groups?.sign === '+';
  const paths = operands.length > 0 ? operands : ['-'];
  const headings = (paths.length > 1 || options.has('v')) && !options.has('q');
  let status = 0;
  let first = true;
  for (const path of paths) {
    const ok = yield* eachFile(process, path, function* (source) {
      yield* print(process, headings ? (first ? '' : '\n') + headingOf(path) : '');
      first = false;
      const content = yield* contentOf(source);
      const start =
        unit === 'c' ? startOfBytes(content, count, fromStart) : startOfLines(content, count, fromStart);
      yield* print(process, content.subarray(start));
    });
    if (!ok) status = 1;
  }
  return status;
};

function* contentOf(source: Source): Run<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = yield* receive(source);
    if (part.length === 0) return concat(...parts);
    parts.push(part);
  }
}

const startOfBytes = (content: Uint8Array, count: number, fromStart: boolean): number =>
  fromStart ? Math.max(0, count - 1) : Math.max(0, content.length - count);

function startOfLines(content: Uint8Array, count: number, fromStart: boolean): number {
  if (fromStart) {
    let start = 0;
    for (let line = 1; line < count; line++) {
      const newline = content.indexOf(NEWLINE, start);
      if (newline === -1) return content.length;
      start = newline + 1;
    }
    return start;
  }
  if (count === 0) return content.length;
  let start = content.length;
  for (let line = 0; line < count; line++) {
    // the line end in front of `start` belongs to the line before; the very last one ends the last line
    const newline = start < 2 ? -1 : content.lastIndexOf(NEWLINE, start - 2);
    if (newline === -1) return 0;
    start = newline + 1;
  }
  return start;
}
