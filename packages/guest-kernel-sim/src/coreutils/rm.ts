import type { Syscalls } from '../syscalls.ts';
import { S_IFDIR, S_IFMT } from '../user.ts';
import { type Command, errnoOf, isResult, parseArguments, strerror } from './command.ts';

/** rm(1), coreutils 9.1, without a terminal to ask on: -f, -r, -R. */
export const rm: Command = ({ sys, args }) => {
  const parsed = parseArguments('rm', args, 'frR');
  if (isResult(parsed)) return parsed;
  const { options, operands } = parsed;
  const force = options.has('f');
  if (operands.length === 0 && !force) {
    return { output: "rm: missing operand\nTry 'rm --help' for more information.\n", status: 1 };
  }
  const recursive = options.has('r') || options.has('R');
  const errors: string[] = [];
  for (const path of operands) remove(sys, path, { force, recursive }, errors);
  return { output: errors.join(''), status: errors.length > 0 ? 1 : 0 };
};

/** Deletes what is below a directory first; a directory that could not be emptied is not tried. */
function remove(
  sys: Syscalls,
  path: string,
  options: { readonly force: boolean; readonly recursive: boolean },
  errors: string[],
): boolean {
  let directory = false;
  const fail = (reason: string): boolean => {
    errors.push(`rm: cannot remove '${path}': ${reason}\n`);
    return false;
  };
  const missing = errnoOf(() => {
    directory = (sys.stat(path).mode & S_IFMT) === S_IFDIR;
  });
  if (missing !== undefined) return missing === 'ENOENT' && options.force ? true : fail(strerror(missing));
  if (directory && !options.recursive) return fail(strerror('EISDIR'));
  if (directory) {
    let emptied = true;
    for (const { name } of sys.readdir(path)) {
      if (name !== '.' && name !== '..') emptied = remove(sys, `${path}/${name}`, options, errors) && emptied;
    }
    if (!emptied) return false;
  }
  const error = errnoOf(() => (directory ? sys.rmdir(path) : sys.unlink(path)));
  return error === undefined ? true : fail(strerror(error));
}
