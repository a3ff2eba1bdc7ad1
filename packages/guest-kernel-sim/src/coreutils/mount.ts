import { formatMounts, SECURITY_ROOT } from '../pseudo-files.ts';
import { type Program, ProgramExit, print } from './program.ts';

/** mount(8), util-linux 2.38.1: without arguments, and `-t securityfs securityfs /sys/kernel/security`. */
export const mount: Program = function* (process) {
  const { kernel, sys, args } = process;
  if (args.length === 0) {
    for (const line of formatMounts(kernel).trimEnd().split('\n')) {
      const [source, target, type, options] = line.split(' ');
      yield* print(process, `${source} on ${target} type ${type} (${options})\n`);
    }
    return 0;
  }
  if (!/^-t securityfs \S+ \/sys\/kernel\/security\/?$/.test(args.join(' ')))
    throw new ProgramExit("mount: bad usage\nTry 'mount --help' for more information.\n", 1);
  if (sys.user.uid !== 0)
    throw new ProgramExit('mount: /sys/kernel/security: must be superuser to use mount.\n', 1);
  if (kernel.state.mounted) {
    const message = `${SECURITY_ROOT}: securityfs already mounted on ${SECURITY_ROOT}.`;
    throw new ProgramExit(`mount: ${message}\n`, 32);
  }
  kernel.state.mounted = true;
  return 0;
};
