import { isDirectory, isSymlink, MAY_WRITE } from '../user.ts';
import { parseArguments } from './arguments.ts';
import { ask } from './ask.ts';
import { typeText } from './mode-text.ts';
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
import { type FileStatus, joinPath } from './system-calls.ts';

interface Removal {
  readonly force: boolean;
  readonly recursive: boolean;
  readonly emptyDirectories: boolean;
  readonly interactive: boolean;
  readonly verbose: boolean;
}

/** rm(1), coreutils 9.1: -f, -i, -r, -R, -d, -v. On a terminal it asks before what the user may not write. */
export const rm: Program = function* (process) {
  const { options, operands } = parseArguments('rm', process.args, {
    letters: 'firRdv',
    long: { force: 'f', recursive: 'r', dir: 'd', verbose: 'v' },
  });
  const last = [...options.keys()].findLast((letter) => letter === 'f' || letter === 'i');
  const force = last === 'f';
  if (operands.length === 0 && !force)
    throw new ProgramExit("rm: missing operand\nTry 'rm --help' for more information.\n", 1);
  const removal: Removal = {
    force,
    interactive: last === 'i',
    recursive: options.has('r') || options.has('R'),
    emptyDirectories: options.has('d'),
    verbose: options.has('v'),
  };
  let status = 0;
  for (const path of operands) {
    const refusal = removal.recursive ? refusalOf(path) : undefined;
    if (refusal !== undefined) for (const line of refusal) warn(process, line);
    const removed = refusal === undefined && (yield* remove(process, path, removal)) !== 'failed';
    if (!removed) status = 1;
  }
  return status;
};

/** What is not removed with everything below it. */
function refusalOf(path: string): string[] | undefined {
  if (/(^|\/)\.\.?\/*$/.test(path))
    return [`refusing to remove '.' or '..' directory: skipping ${quote(path)}`];
  if (/^\/+$/.test(path)) {
    const same = path === '/' ? '' : ` (same as '/')`;
    return [
      `it is dangerous to operate recursively on ${quote(path)}${same}`,
      'use --no-preserve-root to override this failsafe',
    ];
  }
  return undefined;
}

/** Deletes what is below a directory first; a directory that could not be emptied is not tried. */
function* remove(process: Process, path: string, removal: Removal): Run<'removed' | 'declined' | 'failed'> {
  const { sys } = process;
  const fail = (reason: string): 'failed' => {
    warn(process, `cannot remove ${quote(path)}: ${reason}`);
    return 'failed';
  };
  let stat: FileStatus | undefined;
  const missing = errnoOf(() => {
    stat = sys.stat(path);
  });
  if (stat === undefined || missing !== undefined) {
    if (removal.force && (missing === 'ENOENT' || missing === 'ENOTDIR')) return 'removed';
    return fail(strerror(missing ?? 'ENOENT'));
  }
  const directory = isDirectory(stat);
  if (directory && !removal.recursive && !removal.emptyDirectories) return fail(strerror('EISDIR'));

  const doubt = doubtOf(process, path, stat, removal);
  const names = directory && removal.recursive ? namesIn(process, path) : [];
  if (names === undefined) return fail(strerror('EACCES'));
  if (names.length > 0) {
    if (doubt !== undefined && !(yield* ask(process, `descend into ${doubt}directory ${quote(path)}? `)))
      return 'declined';
    let emptied = true;
    let failed = false;
    for (const name of names) {
      const result = yield* remove(process, joinPath(path, name), removal);
      emptied = emptied && result === 'removed';
      failed = failed || result === 'failed';
    }
    if (!emptied) return failed ? 'failed' : 'declined';
  }
  if (doubt !== undefined) {
    const what = `${doubt}${typeText(stat.mode, stat.size)} ${quote(path)}`;
    if (!(yield* ask(process, `remove ${what}? `))) return 'declined';
  }
  const error = errnoOf(() => (directory ? sys.rmdir(path) : sys.unlink(path)));
  if (error !== undefined) return fail(strerror(error));
  if (removal.verbose) yield* print(process, `removed ${directory ? 'directory ' : ''}${quote(path)}\n`);
  return 'removed';
}

/** Undefined when nobody has to be asked, else what the question says of the file. */
function doubtOf(
  { sys, stdin }: Process,
  path: string,
  { mode }: FileStatus,
  { force, interactive }: Removal,
): string | undefined {
  if (force || (!interactive && !stdin.terminal)) return undefined;
  const isProtected = !isSymlink({ mode }) && errnoOf(() => sys.access(path, MAY_WRITE)) === 'EACCES';
  if (isProtected) return 'write-protected ';
  return interactive ? '' : undefined;
}

/** Undefined when the directory cannot be read. */
function namesIn({ sys }: Process, path: string): string[] | undefined {
  let names: string[] = [];
  const error = errnoOf(() => {
    names = sys
      .readdir(path)
      .map(({ name }) => name)
      .filter((name) => name !== '.' && name !== '..');
  });
  return error === undefined ? names : undefined;
}
