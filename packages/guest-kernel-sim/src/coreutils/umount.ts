import { isSecurityFsOpen } from '../mounted-securityfs.ts';
import { SECURITY_ROOT } from '../pseudo-files.ts';
import { errnoOf, type Program, ProgramExit } from './program.ts';

/** umount(8), util-linux 2.38.1, of securityfs; what is in it stays, and mount shows it again. */
export const umount: Program = function* ({ kernel, sys, args }) {
  const [target] = args;
  if (target === undefined || args.length > 1 || target.startsWith('-'))
    throw new ProgramExit("umount: bad usage\nTry 'umount --help' for more information.\n", 1);
  const fail = (reason: string): ProgramExit => new ProgramExit(`umount: ${target}: ${reason}\n`, 32);
  if (errnoOf(() => sys.stat(target)) !== undefined) throw fail('no mount point specified.');
  const named = target.replace(/\/+$/, '') === SECURITY_ROOT || target === 'securityfs';
  if (!named || !kernel.state.mounted) throw fail('not mounted.');
  if (sys.user.uid !== 0) throw fail('must be superuser to unmount.');
  if (isSecurityFsOpen(kernel)) throw fail('target is busy.');
  kernel.state.mounted = false;
  return 0;
};
