import { utf8 } from '@sevlab/codec/bytes';
import { PAGE, type Program, print } from './program.ts';

/** yes(1), coreutils 9.1: goes on until something stops it. */
export const yes: Program = function* (process) {
  const line = `${process.args.length > 0 ? process.args.join(' ') : 'y'}\n`;
  const page = utf8(line.repeat(Math.ceil(PAGE / line.length)));
  for (;;) yield* print(process, page);
};
