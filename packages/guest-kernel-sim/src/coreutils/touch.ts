import { O_CREAT, O_WRONLY } from '../open-flags.ts';
import { misuse, parseArguments } from './arguments.ts';
import { errnoOf, type Program, strerror, warn } from './program.ts';
import { quote } from './quote.ts';

/** touch(1), coreutils 9.1: -c, --no-create. Opens first, and sets the times even when that failed. */
export const touch: Program = function* (process) {
  const { options, operands } = parseArguments('touch', process.args, {
    letters: 'c',
    long: { 'no-create': 'c' },
  });
  if (operands.length === 0) throw misuse('touch', 'missing file operand');
  const { sys } = process;
  let status = 0;
  for (const path of operands) {
    const opening = options.has('c')
      ? undefined
      : errnoOf(() => sys.close(sys.open(path, O_WRONLY | O_CREAT)));
    const setting = errnoOf(() => sys.utimens(path));
    if (setting === undefined || (options.has('c') && setting === 'ENOENT')) continue;
    if (opening !== undefined) warn(process, `cannot touch ${quote(path)}: ${strerror(opening)}`);
    else warn(process, `setting times of ${quote(path)}: ${strerror(setting)}`);
    status = 1;
  }
  return status;
};
