import { KernelError } from '../errno.ts';
import { parseArguments } from './arguments.ts';
import {
  openSource,
  type Process,
  type Program,
  ProgramExit,
  print,
  type Run,
  receive,
  type Source,
  strerror,
  warn,
} from './program.ts';
import { quote } from './quote.ts';

const NEWLINE = 0x0a;

/** head(1), coreutils 9.1: -n, -c without suffixes, -q, -v, and -NUMBER. Negative counts are refused. */
export const head: Program = function* (process) {
  const { options, operands } = parseArguments('head', spellOut(process.args), {
    letters: 'n:c:qv',
    long: { lines: 'n', bytes: 'c', quiet: 'q', silent: 'q', verbose: 'v' },
  });
  const unit = [...options.keys()].findLast((letter) => letter === 'n' || letter === 'c') ?? 'n';
  const word = options.get(unit) ?? '10';
  if (!/^\d+$/.test(word))
    throw new ProgramExit(`head: invalid number of ${unit === 'n' ? 'lines' : 'bytes'}: ${quote(word)}\n`, 1);
  const paths = operands.length > 0 ? operands : ['-'];
  const headings = (paths.length > 1 || options.has('v')) && !options.has('q');
  let status = 0;
  let first = true;
  for (const path of paths) {
    const heading = headings ? headingOf(path) : '';
    const ok = yield* eachFile(process, path, function* (source) {
      yield* print(process, heading === '' ? '' : (first ? '' : '\n') + heading);
      first = false;
      yield* unit === 'n' ? lines(process, source, Number(word)) : bytes(process, source, Number(word));
    });
    if (!ok) status = 1;
  }
  return status;
};

/** `-5` is `-n 5`. */
export const spellOut = (args: readonly string[]): string[] =>
  args.flatMap((arg, i) => (i === 0 && /^-\d+$/.test(arg) ? ['-n', arg.slice(1)] : [arg]));

export const headingOf = (path: string): string => `==> ${path === '-' ? 'standard input' : path} <==\n`;

/** Opens a file and does something with it; false after a message in the words of head and tail. */
export function* eachFile(process: Process, path: string, use: (source: Source) => Run): Run<boolean> {
  let source: Source | undefined;
  try {
    source = openSource(process, path);
    yield* use(source);
    return true;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const problem =
      source === undefined ? `cannot open ${quote(path)} for reading` : `error reading ${quote(path)}`;
    warn(process, `${problem}: ${strerror(error.code)}`);
    return false;
  } finally {
    source?.close();
  }
}

function* bytes(process: Process, source: Source, count: number): Run {
  for (let left = count; left > 0; ) {
    const part = yield* receive(source, left);
    if (part.length === 0) return;
    yield* print(process, part);
    left -= part.length;
  }
}

function* lines(process: Process, source: Source, count: number): Run {
  for (let left = count; left > 0; ) {
    const part = yield* receive(source);
    if (part.length === 0) return;
    let end = 0;
    while (left > 0 && end < part.length) {
      const newline = part.indexOf(NEWLINE, end);
      end = newline === -1 ? part.length : newline + 1;
      if (newline !== -1) left--;
    }
    yield* print(process, part.subarray(0, end));
  }
}
