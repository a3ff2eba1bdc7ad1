import { concat, utf8 } from '@sevlab/codec/bytes';
import { type Command, errnoOf, isResult, parseArguments, strerror } from './command.ts';

/** cat(1), coreutils 9.1: no options. */
export const cat: Command = ({ sys, args }) => {
  const parsed = parseArguments('cat', args, '');
  if (isResult(parsed)) return parsed;
  const output: Uint8Array[] = [];
  let status = 0;
  for (const path of parsed.operands) {
    const error = errnoOf(() => output.push(sys.readFile(path)));
    if (error === undefined) continue;
    output.push(utf8(`cat: ${path}: ${strerror(error)}\n`));
    status = 1;
  }
  return { output: concat(...output), status };
};
