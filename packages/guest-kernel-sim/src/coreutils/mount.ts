import { formatMounts, SECURITY_ROOT } from '../pseudo-files.ts';
import type { Command } from './command.ts';

/** mount(8), util-linux 2.38.1: without arguments, and `-t securityfs securityfs /sys/kernel/security`. */
export const mount: Command = ({ kernel, args }) => {
  if (args.length === 0) {
    const lines = formatMounts(kernel).trimEnd().split('\n');
    return {
      output: lines
        .map((line) => {
          const [source, target, type, options] = line.split(' ');
          return `${source} on ${target} type ${type} (${options})\n`;
        })
        .join(''),
      status: 0,
    };
  }
  if (args.join(' ') !== `-t securityfs securityfs ${SECURITY_ROOT}`) {
    return { output: "mount: bad usage\nTry 'mount --help' for more information.\n", status: 1 };
  }
  if (kernel.state.mounted) {
    const message = `${SECURITY_ROOT}: securityfs already mounted on ${SECURITY_ROOT}.`;
    return { output: `mount: ${message}\n`, status: 32 };
  }
  kernel.state.mounted = true;
  return { output: '', status: 0 };
};
