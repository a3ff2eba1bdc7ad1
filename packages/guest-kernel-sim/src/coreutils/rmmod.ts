import { unloadModule } from '../modules.ts';
import { type Command, errnoOf } from './command.ts';

/** rmmod(8), kmod 30: one module. */
export const rmmod: Command = ({ kernel, args }) => {
  const [name] = args;
  if (name === undefined) return { output: 'rmmod: ERROR: missing module name.\n', status: 1 };
  const error = errnoOf(() => unloadModule(kernel, name));
  if (error === undefined) return { output: '', status: 0 };
  const reason = error === 'EAGAIN' ? 'is in use' : 'is not currently loaded';
  return { output: `rmmod: ERROR: Module ${name} ${reason}\n`, status: 1 };
};
