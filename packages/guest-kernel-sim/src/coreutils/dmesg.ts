import { parseArguments } from './arguments.ts';
import { type Program, ProgramExit, print } from './program.ts';

/** dmesg(1), util-linux 2.38.1, without options. */
export const dmesg: Program = function* (process) {
  const { operands } = parseArguments('dmesg', process.args, { letters: '' });
  if (operands.length > 0)
    throw new ProgramExit("dmesg: bad usage\nTry 'dmesg --help' for more information.\n", 1);
  for (const line of process.kernel.dmesg()) yield* print(process, `${line}\n`);
  return 0;
};
