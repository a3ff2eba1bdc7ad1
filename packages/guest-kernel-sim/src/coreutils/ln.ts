import { misuse, parseArguments } from './arguments.ts';
import { destinations } from './copy.ts';
import { errnoOf, type Program, strerror, warn } from './program.ts';
import { quote } from './quote.ts';

/** ln(1), coreutils 9.1: -s. */
export const ln: Program = function* (process) {
  const { options, operands } = parseArguments('ln', process.args, { letters: 's', long: { symbolic: 's' } });
  if (operands.length === 0) throw misuse('ln', 'missing file operand');
  const pairs = destinations(process, operands.length === 1 ? [...operands, '.'] : operands);
  const symbolic = options.has('s');
  let status = 0;
  for (const { from, to } of pairs) {
    const missing = symbolic ? undefined : errnoOf(() => process.sys.stat(from));
    const error = errnoOf(() => (symbolic ? process.sys.symlink(from, to) : process.sys.link(from, to)));
    if (error === undefined) continue;
    const both = symbolic || ['EEXIST', 'EROFS'].includes(error) ? '' : ` => ${quote(from)}`;
    if (missing !== undefined) warn(process, `failed to access ${quote(from)}: ${strerror(missing)}`);
    else
      warn(
        process,
        `failed to create ${symbolic ? 'symbolic' : 'hard'} link ${quote(to)}${both}: ${strerror(error)}`,
      );
    status = 1;
  }
  return status;
};
