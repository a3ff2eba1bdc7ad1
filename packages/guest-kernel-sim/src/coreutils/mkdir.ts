import { misuse, parseArguments } from './arguments.ts';
import { changeMode, parseMode } from './file-mode.ts';
import { leadsToDirectory } from './look.ts';
import {
  errnoOf,
  type Process,
  type Program,
  ProgramExit,
  print,
  type Run,
  strerror,
  warn,
} from './program.ts';
import { quote } from './quote.ts';

/** mkdir(1), coreutils 9.1: -p, -m, -v. */
export const mkdir: Program = function* (process) {
  const { options, operands } = parseArguments('mkdir', process.args, {
    letters: 'pm:v',
    long: { parents: 'p', mode: 'm', verbose: 'v' },
  });
  if (operands.length === 0) throw misuse('mkdir', 'missing operand');
  const modeWord = options.get('m');
  const mode = modeWord === undefined ? undefined : parseMode(modeWord);
  if (modeWord !== undefined && mode === undefined)
    throw new ProgramExit(`mkdir: invalid mode ${quote(modeWord)}\n`, 1);
  let status = 0;
  for (const path of operands) {
    const made = options.has('p')
      ? yield* makeParents(process, path, options.has('v'))
      : yield* make(process, path, options.has('v'));
    if (!made) status = 1;
    else if (mode !== undefined) process.sys.chmod(path, changeMode(0o777, mode, { directory: true }));
  }
  return status;
};

function* make(process: Process, path: string, verbose: boolean): Run<boolean> {
  const error = errnoOf(() => process.sys.mkdir(path));
  if (error !== undefined) {
    warn(process, `cannot create directory ${quote(path)}: ${strerror(error)}`);
    return false;
  }
  if (verbose) yield* print(process, `mkdir: created directory ${quote(path)}\n`);
  return true;
}

/** Makes what is missing on the way; what is there already is no error if it is a directory. */
function* makeParents(process: Process, path: string, verbose: boolean): Run<boolean> {
  for (let end = path.search(/[^/]/); end !== -1; ) {
    const slash = path.indexOf('/', end);
    const part = slash === -1 ? path : path.slice(0, slash);
    if (!leadsToDirectory(process.sys, part)) {
      const there = errnoOf(() => process.sys.stat(part)) === undefined;
      if (there && slash !== -1) {
        warn(process, `cannot create directory ${quote(part)}: ${strerror('ENOTDIR')}`);
        return false;
      }
      if (!(yield* make(process, part, verbose))) return false;
    }
    const next = slash === -1 ? -1 : path.slice(slash).search(/[^/]/);
    end = next === -1 ? -1 : slash + next;
  }
  return true;
}
