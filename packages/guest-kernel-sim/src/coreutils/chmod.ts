import { isDirectory, isSymlink } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { changeMode, parseMode } from './file-mode.ts';
import { permissionsText } from './mode-text.ts';
import { errnoOf, type Process, type Program, print, type Run, strerror, warn } from './program.ts';
import { quote } from './quote.ts';
import { type FileStatus, joinPath } from './system-calls.ts';

/** chmod(1), coreutils 9.1: -R, -v, -c, -f; modes in numbers and letters. */
export const chmod: Program = function* (process) {
  const { options, operands: rest, mode } = splitArguments(process.args);
  const [first, ...others] = rest;
  const word = mode ?? first;
  const files = mode === undefined ? others : rest;
  if (word === undefined) throw misuse('chmod', 'missing operand');
  if (files.length === 0)
    throw misuse('chmod', `missing operand${mode === undefined ? ` after ${quote(word)}` : ''}`);
  const steps = parseMode(word);
  if (steps === undefined) throw misuse('chmod', `invalid mode: ${quote(word)}`);
  let status = 0;
  for (const path of files) {
    if (!(yield* change(process, path, { steps, options, asOption: mode !== undefined }))) status = 1;
  }
  return status;
};

interface Change {
  readonly steps: NonNullable<ReturnType<typeof parseMode>>;
  readonly options: ReadonlyMap<string, string>;
  /** The mode was written like an option: `chmod -w`. */
  readonly asOption: boolean;
}

/** A word such as `-w` is a mode, not an option. */
function splitArguments(
  args: readonly string[],
): ReturnType<typeof parseArguments> & { mode: string | undefined } {
  const isMode = (arg: string): boolean => /^-[rwxXstugoa,=+-]+$/.test(arg) && !arg.startsWith('--');
  const mode = args.find(isMode);
  const parsed = parseArguments(
    'chmod',
    args.filter((arg) => arg !== mode),
    { letters: 'Rvcf', long: { recursive: 'R', verbose: 'v', changes: 'c', silent: 'f', quiet: 'f' } },
  );
  return { ...parsed, mode };
}

function* change(process: Process, path: string, task: Change): Run<boolean> {
  const { sys } = process;
  const { steps, options, asOption } = task;
  const tell = (message: string): false => {
    if (!options.has('f')) warn(process, message);
    return false;
  };
  let stat: FileStatus | undefined;
  const missing = errnoOf(() => {
    stat = sys.stat(path);
  });
  if (stat === undefined) return tell(`cannot access ${quote(path)}: ${strerror(missing ?? 'ENOENT')}`);
  if (isSymlink(stat) && options.has('R')) return true;
  const directory = isDirectory(stat);
  const before = stat.mode & 0o7777;
  const after = changeMode(before, steps, { directory });
  const error = errnoOf(() => sys.chmod(path, after));
  if (error !== undefined) return tell(`changing permissions of ${quote(path)}: ${strerror(error)}`);

  if (options.has('v') || (options.has('c') && before !== after)) {
    const octal = (mode: number): string => `${mode.toString(8).padStart(4, '0')} (${permissionsText(mode)})`;
    const what =
      before === after
        ? `mode of ${quote(path)} retained as ${octal(after)}`
        : `mode of ${quote(path)} changed from ${octal(before)} to ${octal(after)}`;
    yield* print(process, `${what}\n`);
  }
  let whole = true;
  const wished = changeMode(before, steps, { directory, umask: 0 });
  if (asOption && (after & ~wished) !== 0) {
    warn(process, `${path}: new permissions are ${permissionsText(after)}, not ${permissionsText(wished)}`);
    whole = false;
  }
  if (!directory || !options.has('R')) return whole;
  let names: string[] = [];
  const unreadable = errnoOf(() => {
    names = sys.readdir(path).map(({ name }) => name);
  });
  if (unreadable !== undefined) return tell(`cannot read directory ${quote(path)}: ${strerror(unreadable)}`);
  for (const name of names) {
    if (name === '.' || name === '..') continue;
    whole = (yield* change(process, joinPath(path, name), task)) && whole;
  }
  return whole;
}
