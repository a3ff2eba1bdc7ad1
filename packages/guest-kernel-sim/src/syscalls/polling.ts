import { createAnonymous } from '../anonymous/anonymous.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../anonymous/pipe.ts';
import { KernelError } from '../errno.ts';
import { O_RDWR } from '../open-flags.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf, installFile } from '../vfs/open-file.ts';
import { operationsAt } from '../vfs/place.ts';

const POLLNVAL = 0x20;

/** poll(2) without waiting, of one descriptor: do_pollfd(). A file that cannot be polled is ready. */
export function poll(call: Caller, fd: number, events: number): number {
  const { kernel } = call;
  const file = kernel.state.files.get(fd);
  if (file === undefined || file.pathOnly) return POLLNVAL;
  const ready = operationsAt(kernel, file.dentry.place).poll?.(call, file) ?? POLLIN | POLLOUT;
  return ready & (events | POLLERR | POLLHUP);
}

/** epoll_create1(2). */
export function epollCreate({ kernel, user: { uid, gid } }: Caller): number {
  const place = createAnonymous(kernel, { mode: 0o600, uid, gid }, { epoll: new Set() });
  const dentry = { place, dir: undefined, name: '' };
  return installFile(kernel, { dentry, path: '', flags: O_RDWR, pathOnly: false, entry: undefined });
}

/** epoll_ctl(2) with EPOLL_CTL_ADD: do_epoll_ctl(). */
export function epollAdd({ kernel }: Caller, epfd: number, fd: number): void {
  const instance = fileOf(kernel, epfd);
  const file = fileOf(kernel, fd);
  if (operationsAt(kernel, file.dentry.place).poll === undefined) throw new KernelError('EPERM');
  const added = kernel.state.anonymous.inodes.get(instance.dentry.place.ino)?.epoll;
  if (instance === file || instance.dentry.place.fs !== 'anonymous' || added === undefined)
    throw new KernelError('EINVAL');
  if (added.has(fd)) throw new KernelError('EEXIST');
  added.add(fd);
}
