import { isDirectory } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { copyFile, destinations, isSameFile, sourceAndTarget } from './copy.ts';
import { lookAt } from './look.ts';
import { errnoOf, type Process, type Program, type Run, strerror, warn } from './program.ts';
import { quote } from './quote.ts';
import { type FileStatus, joinPath } from './system-calls.ts';

/**
 * cp(1), coreutils 9.1: -r, -R. DEVIATION: with -r it makes devices and FIFOs anew, where this one reads them.
 */
export const cp: Program = function* (process) {
  const { options, operands } = parseArguments('cp', process.args, {
    letters: 'rR',
    long: { recursive: 'r' },
  });
  if (operands.length === 0) throw misuse('cp', 'missing file operand');
  if (operands.length === 1)
    throw misuse('cp', `missing destination file operand after ${quote(operands[0]!)}`);
  const pairs = destinations(process, operands);
  let status = 0;
  for (const { from, to } of pairs) {
    const task: Task = {
      from,
      to,
      recursive: options.has('r') || options.has('R'),
      made: undefined,
      intoItself: false,
    };
    if (!(yield* copy(process, from, to, task))) status = 1;
  }
  return status;
};

/** What one operand asks for. */
interface Task {
  readonly from: string;
  readonly to: string;
  readonly recursive: boolean;
  /** The first directory that was made. */
  made: FileStatus | undefined;
  /** It turned up among the sources: nothing more is copied. */
  intoItself: boolean;
}

function* copy(process: Process, from: string, to: string, task: Task): Run<boolean> {
  const { sys } = process;
  const tell = (message: string): false => {
    warn(process, message);
    return false;
  };
  const files = sourceAndTarget(process, from, to);
  if (files === undefined) return false;
  const { source, target } = files;
  if (!isDirectory(source)) return yield* copyFile(process, from, to);
  if (!task.recursive) return tell(`-r not specified; omitting directory ${quote(from)}`);
  task.intoItself = task.made !== undefined && isSameFile(source, task.made);
  if (task.intoItself)
    return tell(`cannot copy a directory, ${quote(task.from)}, into itself, ${quote(task.to)}`);
  if (target === undefined) {
    const error = errnoOf(() => sys.mkdir(to));
    if (error !== undefined) return tell(`cannot create directory ${quote(to)}: ${strerror(error)}`);
    task.made ??= lookAt(sys, to);
  }
  let names: string[] = [];
  const unreadable = errnoOf(() => {
    names = sys
      .readdir(from)
      .toSorted((a, b) => a.ino - b.ino) // savedir.c, SAVEDIR_SORT_FASTREAD
      .map(({ name }) => name);
  });
  if (unreadable !== undefined) return tell(`cannot access ${quote(from)}: ${strerror(unreadable)}`);
  let whole = true;
  for (const name of names) {
    if (name === '.' || name === '..') continue;
    whole = (yield* copy(process, joinPath(from, name), joinPath(to, name), task)) && whole;
    if (task.intoItself) break;
  }
  return whole;
}
