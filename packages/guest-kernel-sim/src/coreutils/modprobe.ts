import { loadModule, resolveModule, unloadModule } from '../modules.ts';
import { type Command, errnoOf, isResult, parseArguments } from './command.ts';

/**
 * modprobe(8), kmod 30: -r, and a name or an alias. It succeeds when the module loads, whatever the probe says, and
 * when there is nothing to do.
 */
export const modprobe: Command = ({ kernel, args }) => {
  const parsed = parseArguments('modprobe', args, 'r');
  if (isResult(parsed)) return parsed;
  const [name] = parsed.operands;
  if (name === undefined) return { output: 'modprobe: ERROR: missing parameters. See -h.\n', status: 1 };
  const module = resolveModule(kernel, name);
  const { modules, profile } = kernel.state;
  if (module === undefined) {
    const folder = `/lib/modules/${profile.release}`;
    return { output: `modprobe: FATAL: Module ${name} not found in directory ${folder}\n`, status: 1 };
  }
  if (!parsed.options.has('r')) {
    if (!modules.has(module)) loadModule(kernel, module);
    return { output: '', status: 0 };
  }
  if (!modules.has(module) || errnoOf(() => unloadModule(kernel, module)) === undefined) {
    return { output: '', status: 0 };
  }
  return { output: `modprobe: FATAL: Module ${module} is in use.\n`, status: 1 };
};
