import { KernelError } from '../errno.ts';
import type { User } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';

/**
 * setgroups(2), setegid(2) and seteuid(2) at once (kernel/sys.c, __sys_setresuid()): root becomes anybody, and who was
 * root when the process started becomes root again.
 */
export function become(call: Caller, user: User): void {
  if (call.user.uid !== 0 && call.started.uid !== 0 && user.uid !== call.user.uid)
    throw new KernelError('EPERM');
  call.user = user;
}
