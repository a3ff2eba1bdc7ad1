import { loadModule, resolveModule, unloadModule } from '../modules.ts';
import { parseArguments } from './arguments.ts';
import { errnoOf, type Program, ProgramExit, strerror } from './program.ts';

/**
 * modprobe(8), kmod 30: -r, -q, and a name or an alias. It succeeds when the module loads, whatever the probe says, and
 * when there is nothing to do.
 */
export const modprobe: Program = function* ({ kernel, sys, args }) {
  const { options, operands } = parseArguments('modprobe', args, {
    letters: 'rq',
    long: { remove: 'r', quiet: 'q' },
  });
  const [name] = operands;
  const fail = (message: string): ProgramExit => new ProgramExit(`modprobe: ${message}\n`, 1);
  if (name === undefined) throw fail('ERROR: missing parameters. See -h.');
  const module = resolveModule(kernel, name);
  const { modules, profile } = kernel.state;
  const remove = options.has('r');
  if (module === undefined) {
    const where = remove ? '' : ` in directory /lib/modules/${profile.release}`;
    if (options.has('q')) return 1;
    throw fail(`FATAL: Module ${name} not found${where}${remove ? '.' : ''}`);
  }
  if (modules.has(module) !== remove) return 0;
  if (sys.user.uid !== 0) {
    const refused = strerror('EPERM');
    throw fail(
      remove
        ? `ERROR: could not remove '${module}': ${refused}`
        : `ERROR: could not insert '${module}': ${refused}`,
    );
  }
  if (!remove) loadModule(kernel, module);
  else if (errnoOf(() => unloadModule(kernel, module)) !== undefined)
    throw fail(`FATAL: Module ${module} is in use.`);
  return 0;
};
