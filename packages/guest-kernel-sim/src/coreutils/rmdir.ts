import { misuse, parseArguments } from './arguments.ts';
import { errnoOf, type Program, print, strerror, warn } from './program.ts';
import { quote } from './quote.ts';

/** rmdir(1), coreutils 9.1: -p, -v. */
export const rmdir: Program = function* (process) {
  const { options, operands } = parseArguments('rmdir', process.args, {
    letters: 'pv',
    long: { parents: 'p', verbose: 'v' },
  });
  if (operands.length === 0) throw misuse('rmdir', 'missing operand');
  let status = 0;
  for (const operand of operands) {
    for (const path of options.has('p') ? withParents(operand) : [operand]) {
      if (options.has('v')) yield* print(process, `rmdir: removing directory, ${quote(path)}\n`);
      const error = errnoOf(() => process.sys.rmdir(path));
      if (error === undefined) continue;
      const parent = path === operand ? '' : 'directory ';
      warn(process, `failed to remove ${parent}${quote(path)}: ${strerror(error)}`);
      status = 1;
      break;
    }
  }
  return status;
};

/** `a/b/c`, `a/b`, `a`. */
function withParents(path: string): string[] {
  const paths = [path];
  let parent = path.replace(/\/+$/, '');
  while (parent.includes('/')) {
    parent = parent.slice(0, parent.lastIndexOf('/')).replace(/\/+$/, '');
    if (parent !== '') paths.push(parent);
  }
  return paths;
}
