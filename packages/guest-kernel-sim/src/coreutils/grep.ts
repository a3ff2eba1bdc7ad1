import { concat } from '@sevlab/codec/bytes';
import { parseArguments } from './arguments.ts';
import { ENOUGH, eachPart, type Program, ProgramExit, print, type Run, strerror, warn } from './program.ts';

const NEWLINE = 0x0a;
/** Lines that are looked at in one turn. */
const LINES_A_TURN = 256;

/**
 * grep(1), GNU grep 3.8, LC_ALL=C: -i, -v, -n, -c, -q, -F. DEVIATION: of patterns, plain characters, `.`, `*`, `^` and
 * `$`; others are refused. A zero byte makes a file binary, from the part on that it is read in: it ends a line, and of
 * lines that match the first is told of, on standard error.
 */
export const grep: Program = function* (process) {
  const { options, operands } = parseArguments('grep', process.args, { letters: 'ivncqF', status: 2 });
  const [pattern, ...files] = operands;
  if (pattern === undefined) {
    throw new ProgramExit(
      "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n",
      2,
    );
  }
  if (!options.has('F') && /[[\]\\]/.test(pattern))
    throw new ProgramExit('grep: this one takes plain characters and . * ^ $ alone; try -F\n', 2);
  const fold = (text: string): string => (options.has('i') ? text.toLowerCase() : text);
  const wanted = fold(pattern);
  const matches = (line: string): boolean =>
    (options.has('F') ? fold(line).includes(wanted) : occurs(wanted, fold(line))) !== options.has('v');

  const paths = files.length > 0 ? files : ['-'];
  let found = false;
  let failed = false;
  for (const path of paths) {
    const title = path === '-' ? '(standard input)' : path;
    const prefix = paths.length > 1 ? `${title}:` : '';
    let rest = new Uint8Array(0);
    let number = 0;
    let count = 0;
    let binary = false;
    let unshown = false;
    const take = function* (line: Uint8Array): Run {
      number++;
      if (number % LINES_A_TURN === 0) yield 'page';
      if (!matches(latin1(line))) return;
      found = true;
      count++;
      if (options.has('q') || options.has('c')) return;
      unshown ||= binary;
      if (unshown) return;
      yield* print(process, `${prefix}${options.has('n') ? `${number}:` : ''}`);
      yield* print(process, concat(line, new Uint8Array([NEWLINE])));
    };
    const error = yield* eachPart(process, path, function* (part) {
      binary ||= part.includes(0);
      const bytes = concat(rest, binary ? part.map((byte) => (byte === 0 ? NEWLINE : byte)) : part);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        yield* take(bytes.subarray(start, end));
        start = end + 1;
      }
      rest = new Uint8Array(bytes.slice(start));
      return found && options.has('q') ? ENOUGH : undefined;
    });
    if (found && options.has('q')) return 0;
    if (rest.length > 0) yield* take(rest);
    if (unshown) warn(process, `${title}: binary file matches`);
    if (error !== undefined) {
      warn(process, `${path}: ${strerror(error)}`);
      failed = true;
    } else if (options.has('c') && !options.has('q')) {
      yield* print(process, `${prefix}${count}\n`);
    }
  }
  return found && (options.has('q') || !failed) ? 0 : failed ? 2 : 1;
};

/** One character a byte, as in the C locale. */
const latin1 = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

/** Whether `pattern` occurs in a line. */
function occurs(pattern: string, line: string): boolean {
  const anchored = pattern.startsWith('^');
  const rest = anchored ? pattern.slice(1) : pattern;
  const last = anchored ? 0 : line.length;
  for (let start = 0; start <= last; start++) if (startsWith(rest, line.slice(start))) return true;
  return false;
}

/** Whether a line starts with something that `pattern` fits: the places where it may stand, character by character. */
function startsWith(pattern: string, line: string): boolean {
  const length = pattern.endsWith('$') ? pattern.length - 1 : pattern.length;
  const toEnd = length < pattern.length;
  let places = new Set([0]);
  for (let at = 0; at < length; at++) {
    const fits = (place: number): boolean =>
      place < line.length && (pattern[at] === '.' || pattern[at] === line[place]);
    const next = new Set<number>();
    const repeats = pattern[at + 1] === '*' && at + 1 < length;
    for (const place of places) {
      if (!repeats && fits(place)) next.add(place + 1);
      for (let end = place; repeats && !next.has(end); end++) {
        next.add(end);
        if (!fits(end)) break;
      }
    }
    if (repeats) at++;
    places = next;
  }
  return toEnd ? places.has(line.length) : places.size > 0;
}
