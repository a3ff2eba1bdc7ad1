import { parseArguments } from './arguments.ts';
import { eachPart, type Program, print, strerror, warn } from './program.ts';
import { quoteBeforeColon } from './quote.ts';

/** cat(1), coreutils 9.1: no options but -u, which changes nothing. */
export const cat: Program = function* (process) {
  const { operands } = parseArguments('cat', process.args, { letters: 'u' });
  let status = 0;
  for (const path of operands.length > 0 ? operands : ['-']) {
    const error = yield* eachPart(process, path, (part) => print(process, part));
    if (error === undefined) continue;
    warn(process, `${quoteBeforeColon(path)}: ${strerror(error)}`);
    status = 1;
  }
  return status;
};
