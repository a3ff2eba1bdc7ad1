import { createHash } from 'node:crypto';
import { parseArguments } from './arguments.ts';
import { eachPart, type Program, print, strerror, warn } from './program.ts';
import { quoteBeforeColon } from './quote.ts';

/** sha256sum(1), coreutils 9.1: -b. */
export const sha256sum: Program = function* (process) {
  const { options, operands } = parseArguments('sha256sum', process.args, {
    letters: 'b',
    long: { binary: 'b' },
  });
  let status = 0;
  for (const path of operands.length > 0 ? operands : ['-']) {
    const hash = createHash('sha256');
    // biome-ignore lint/correctness/useYield: it only hashes
    const error = yield* eachPart(process, path, function* (part) {
      hash.update(part);
    });
    if (error === undefined) {
      yield* print(process, `${hash.digest('hex')} ${options.has('b') ? '*' : ' '}${path}\n`);
      continue;
    }
    warn(process, `${quoteBeforeColon(path)}: ${strerror(error)}`);
    status = 1;
  }
  return status;
};
