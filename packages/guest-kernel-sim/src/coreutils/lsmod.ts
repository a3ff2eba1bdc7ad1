import { moduleUsers } from '../modules.ts';
import { type Program, ProgramExit, print } from './program.ts';

/** lsmod(8), kmod 30. */
export const lsmod: Program = function* (process) {
  if (process.args.length > 0) throw new ProgramExit('Usage: lsmod\n', 1);
  const { modules, profile } = process.kernel.state;
  const lines = [...modules.keys()].map((name) => {
    return `${name.padEnd(19)} ${`${profile.moduleSize}`.padStart(8)}  ${moduleUsers(process.kernel, name)}\n`;
  });
  yield* print(process, `Module                  Size  Used by\n${lines.join('')}`);
  return 0;
};
