import { IN_ISDIR, IN_MOVED_FROM, IN_MOVED_TO, notify } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { isDirectory, MAY_WRITE } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import type { Dentry, Place } from '../vfs/file-system.ts';
import { isMountPoint } from '../vfs/mounts.ts';
import { expectMayCreate, expectMayDelete, expectPermission } from '../vfs/permission.ts';
import { fileSystemOf, inodeAt, isSameMount, isSamePlace } from '../vfs/place.ts';
import { type Last, lookupLast, walkToParent } from '../vfs/walk.ts';
import { existing } from './names.ts';

/** renameat2(2) (include/uapi/linux/fs.h). */
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;

/** rename(2) and renameat2(2): do_renameat2(). */
export function rename(call: Caller, from: string, to: string, flags = 0): void {
  const { kernel } = call;
  const exchange = flags === RENAME_EXCHANGE;
  if (!exchange && flags !== 0 && flags !== RENAME_NOREPLACE) throw new KernelError('EINVAL');
  const old = walkToParent(call, from);
  const next = walkToParent(call, to);
  if (!isSameMount(kernel, old.dir, next.dir)) throw new KernelError('EXDEV');
  if (old.kind !== 'name') throw new KernelError('EBUSY');
  if (next.kind !== 'name') throw new KernelError(flags === RENAME_NOREPLACE ? 'EEXIST' : 'EBUSY');
  const source = existing(call, old);
  const target = lookupLast(call, next);
  if (target !== undefined && flags === RENAME_NOREPLACE) throw new KernelError('EEXIST');
  if (target === undefined && exchange) throw new KernelError('ENOENT');
  const folder = isDirectory(inodeAt(kernel, source.place));
  const overFolder = target !== undefined && isDirectory(inodeAt(kernel, target.place));
  if (exchange && next.slash && !overFolder) throw new KernelError('ENOTDIR');
  if (!folder && (old.slash || (!exchange && next.slash))) throw new KernelError('ENOTDIR');
  if (isWithin(kernel, next.dir, source.place)) throw new KernelError('EINVAL');
  if (target !== undefined && isWithin(kernel, old.dir, target.place))
    throw new KernelError(exchange ? 'EINVAL' : 'ENOTEMPTY');
  if (target !== undefined && isSamePlace(source.place, target.place)) return;
  expectMayRename(call, { old, next, source, target, exchange });
  move(call, { old, next, source, target, exchange });
}

interface Rename {
  readonly old: Last;
  readonly next: Last;
  readonly source: Dentry;
  readonly target: Dentry | undefined;
  readonly exchange: boolean;
}

/** vfs_rename(), up to the file system's own checks. */
function expectMayRename(call: Caller, { old, next, source, target, exchange }: Rename): void {
  const { kernel } = call;
  const isFolder = ({ place }: Dentry): boolean => isDirectory(inodeAt(kernel, place));
  const moves = !isSamePlace(old.dir, next.dir);
  expectMayDelete(call, old.dir, source, isFolder(source));
  if (target === undefined) expectMayCreate(call, next.dir);
  else expectMayDelete(call, next.dir, target, exchange ? isFolder(target) : isFolder(source));
  if (fileSystemOf(kernel, old.dir).directory.rename === undefined) throw new KernelError('EPERM');
  if (moves) {
    // its `..` changes
    if (isFolder(source)) expectPermission(call, source.place, MAY_WRITE);
    if (exchange && target !== undefined && isFolder(target)) expectPermission(call, target.place, MAY_WRITE);
  }
  if (isMountPoint(kernel, source) || (target !== undefined && isMountPoint(kernel, target)))
    throw new KernelError('EBUSY');
}

function move({ kernel }: Caller, { old, next, source, target, exchange }: Rename): void {
  const { fs } = old.dir;
  const [from, to] = [
    { dir: old.dir.ino, name: old.name },
    { dir: next.dir.ino, name: next.name },
  ];
  fileSystemOf(kernel, old.dir).directory.rename?.(kernel, from, to, { exchange });
  renameOpenFiles(kernel, source, { ...source, dir: { fs, ino: to.dir }, name: to.name });
  if (exchange && target !== undefined)
    renameOpenFiles(kernel, target, { ...target, dir: { fs, ino: from.dir }, name: from.name });
  const { anonymous } = kernel.state;
  const cookie = anonymous.nextCookie++;
  const kind = isDirectory(inodeAt(kernel, source.place)) ? IN_ISDIR : 0;
  notify(kernel, old.dir, IN_MOVED_FROM | kind, old.name, cookie);
  notify(kernel, next.dir, IN_MOVED_TO | kind, next.name, cookie);
}

/** d_move(): descriptors keep the name up to date. */
function renameOpenFiles({ state: { files } }: RunningKernel, before: Dentry, now: Dentry): void {
  for (const file of files.values()) {
    const { dir, name, place } = file.dentry;
    const same = dir !== undefined && before.dir !== undefined && isSamePlace(dir, before.dir);
    if (same && name === before.name && isSamePlace(place, before.place)) file.dentry = now;
  }
}

/** Whether a directory is `ancestor`, or below it, in the same mount. */
function isWithin(kernel: RunningKernel, dir: Place, ancestor: Place): boolean {
  for (let ino: number | undefined = dir.ino; ino !== undefined; ) {
    if (isSamePlace({ fs: dir.fs, ino }, ancestor)) return true;
    ino = fileSystemOf(kernel, dir).parent(kernel, ino);
  }
  return false;
}
