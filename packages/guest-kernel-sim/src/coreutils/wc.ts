import { isRegular } from '../user.ts';
import { parseArguments } from './arguments.ts';
import { eachPart, errnoOf, type Program, print, strerror, warn } from './program.ts';
import { quoteBeforeColon } from './quote.ts';
import type { SystemCalls } from './system-calls.ts';

/** Columns where a file's size does not tell how many are needed. */
const UNKNOWN_WIDTH = 7;

interface Counts {
  readonly l: number;
  readonly w: number;
  readonly c: number;
}
const NONE: Counts = { l: 0, w: 0, c: 0 };

/** wc(1), coreutils 9.1, LC_ALL=C: -l, -w, -c, -m. */
export const wc: Program = function* (process) {
  const { options, operands } = parseArguments('wc', process.args, {
    letters: 'lwcm',
    long: { lines: 'l', words: 'w', bytes: 'c', chars: 'm' },
  });
  const asked = new Set([...options.keys()].map((letter) => (letter === 'm' ? 'c' : letter)));
  const columns = (['l', 'w', 'c'] as const).filter((column) => asked.size === 0 || asked.has(column));
  const paths = operands.length > 0 ? operands : ['-'];
  const width = widthOf(process.sys, paths, columns.length);
  const line = (counts: Counts, name: string): string => {
    const cells = columns.map((column) => `${counts[column]}`.padStart(width)).join(' ');
    return name === '' ? `${cells}\n` : `${cells} ${name}\n`;
  };

  let total = NONE;
  let status = 0;
  for (const path of paths) {
    let counts = NONE;
    let inWord = false;
    // biome-ignore lint/correctness/useYield: it only counts
    const error = yield* eachPart(process, path, function* (part) {
      ({ counts, inWord } = count(part, counts, inWord));
    });
    if (error !== undefined) {
      warn(process, `${quoteBeforeColon(path)}: ${strerror(error)}`);
      status = 1;
    }
    if (error === undefined || error === 'EISDIR')
      yield* print(process, line(counts, operands.length > 0 ? path : ''));
    total = { l: total.l + counts.l, w: total.w + counts.w, c: total.c + counts.c };
  }
  if (paths.length > 1) yield* print(process, line(total, 'total'));
  return status;
};

function count(part: Uint8Array, before: Counts, startsInWord: boolean): { counts: Counts; inWord: boolean } {
  let { l, w } = before;
  let inWord = startsInWord;
  for (const byte of part) {
    if (byte === 0x0a) l++;
    const blank = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
    // bytes that do not print neither start nor end a word in the C locale
    if (blank) inWord = false;
    else if (byte > 0x20 && byte < 0x7f) {
      if (!inWord) w++;
      inWord = true;
    }
  }
  return { counts: { l, w, c: before.c + part.length }, inWord };
}

/** As many digits as the sum of all sizes has; one column of one file needs none. */
function widthOf(sys: SystemCalls, paths: readonly string[], columns: number): number {
  if (paths.length === 1 && columns === 1) return 1;
  let sum = 0;
  let least = 1;
  for (const path of paths) {
    if (path === '-') {
      least = UNKNOWN_WIDTH;
      continue;
    }
    errnoOf(() => {
      const { mode, size } = sys.stat(path);
      if (isRegular({ mode })) sum += size;
      else least = UNKNOWN_WIDTH;
    });
  }
  return Math.max(least, `${sum}`.length);
}
