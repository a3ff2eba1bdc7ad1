import { isDirectory } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { copyFile, destinations, sourceAndTarget } from './copy.ts';
import { errnoOf, type Process, type Program, type Run, strerror, warn } from './program.ts';
import { quote } from './quote.ts';
import { joinPath } from './system-calls.ts';

/**
 * cp(1), coreutils 9.1: -r, -R. DEVIATION: before it refuses to copy a directory into itself, cp copies some of it; and
 * with -r it makes devices and FIFOs anew, where this one reads them.
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
    if (!(yield* copy(process, from, to, options.has('r') || options.has('R')))) status = 1;
  }
  return status;
};

function* copy(process: Process, from: string, to: string, recursive: boolean): Run<boolean> {
  const { sys } = process;
  const tell = (message: string): false => {
    warn(process, message);
    return false;
  };
  const files = sourceAndTarget(process, from, to);
  if (files === undefined) return false;
  const { source, target } = files;
  if (!isDirectory(source)) return yield* copyFile(process, from, to);
  if (!recursive) return tell(`-r not specified; omitting directory ${quote(from)}`);
  if (`${to}/`.startsWith(`${from.replace(/\/+$/, '')}/`))
    return tell(`cannot copy a directory, ${quote(from)}, into itself, ${quote(to)}`);
  if (target === undefined) {
    const error = errnoOf(() => sys.mkdir(to));
    if (error !== undefined) return tell(`cannot create directory ${quote(to)}: ${strerror(error)}`);
  }
  let names: string[] = [];
  const unreadable = errnoOf(() => {
    names = sys.readdir(from).map(({ name }) => name);
  });
  if (unreadable !== undefined) return tell(`cannot access ${quote(from)}: ${strerror(unreadable)}`);
  let whole = true;
  for (const name of names) {
    if (name === '.' || name === '..') continue;
    whole = (yield* copy(process, joinPath(from, name), joinPath(to, name), recursive)) && whole;
  }
  return whole;
}
