import { unloadModule } from '../modules.ts';
import { parseArguments } from './arguments.ts';
import { complain, errnoOf, type Program, ProgramExit, strerror } from './program.ts';

/** rmmod(8), kmod 30. */
export const rmmod: Program = function* (process) {
  const { kernel, sys, args } = process;
  const { operands } = parseArguments('rmmod', args, { letters: '' });
  if (operands.length === 0) throw new ProgramExit('rmmod: ERROR: missing module name.\n', 1);
  let status = 0;
  for (const name of operands) {
    const loaded = kernel.state.modules.has(name);
    if (loaded && sys.user.uid !== 0) {
      const refused = strerror('EPERM');
      complain(process, `rmmod: ERROR: could not remove '${name}': ${refused}\n`);
      complain(process, `rmmod: ERROR: could not remove module ${name}: ${refused}\n`);
      status = 1;
      continue;
    }
    const error = errnoOf(() => unloadModule(kernel, name));
    if (error === undefined) continue;
    complain(
      process,
      `rmmod: ERROR: Module ${name} ${error === 'EAGAIN' ? 'is in use' : 'is not currently loaded'}\n`,
    );
    status = 1;
  }
  return status;
};
