import { createAnonymous } from '../anonymous/anonymous.ts';
import { createInotify, IN_ALL_EVENTS, inotifyOf } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import { O_RDONLY } from '../open-flags.ts';
import { MAY_READ } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf, installFile } from '../vfs/open-file.ts';
import { expectPermission } from '../vfs/permission.ts';
import { isSamePlace } from '../vfs/place.ts';
import { walk } from '../vfs/walk.ts';

/** inotify_init1(2). */
export function inotifyInit({ kernel, user: { uid, gid } }: Caller): number {
  const place = createAnonymous(kernel, { mode: 0o600, uid, gid }, { inotify: createInotify() });
  const dentry = { place, dir: undefined, name: '' };
  return installFile(kernel, { dentry, path: '', flags: O_RDONLY, pathOnly: false, entry: undefined });
}

/** inotify_add_watch(2): answers the watch's number, the same for the same file. */
export function inotifyAddWatch(call: Caller, fd: number, path: string, mask: number): number {
  const { kernel } = call;
  if ((mask & IN_ALL_EVENTS) === 0) throw new KernelError('EINVAL');
  const inotify = inotifyOf(kernel, expectAnonymous(call, fd));
  const { place } = walk(call, path);
  expectPermission(call, place, MAY_READ);
  const known = [...inotify.watches].find(([, watch]) => isSamePlace(watch.place, place));
  const wd = known?.[0] ?? inotify.nextWd++;
  inotify.watches.set(wd, { place, mask });
  return wd;
}

/** inotify_rm_watch(2). */
export function inotifyRmWatch(call: Caller, fd: number, wd: number): void {
  const inotify = inotifyOf(call.kernel, expectAnonymous(call, fd));
  if (!inotify.watches.delete(wd)) throw new KernelError('EINVAL');
}

function expectAnonymous({ kernel }: Caller, fd: number) {
  const { place } = fileOf(kernel, fd).dentry;
  if (place.fs !== 'anonymous') throw new KernelError('EINVAL');
  return place;
}
