import { IN_ATTRIB, IN_MODIFY, notify } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import { isDirectory, isInGroup, isRegular, MAY_WRITE, ownerOrRoot, permits, S_ISGID } from '../user.ts';
import { type Caller, timeOf } from '../vfs/caller.ts';
import type { Place } from '../vfs/file-system.ts';
import type { Inode } from '../vfs/inode.ts';
import { fileOf, rawFileOf } from '../vfs/open-file.ts';
import {
  expectOwner,
  expectPermission,
  mayKeepGroup,
  removePrivileges,
  replaceMode,
  withoutSetId,
} from '../vfs/permission.ts';
import { fileSystemOf, inodeAt } from '../vfs/place.ts';
import { walk } from '../vfs/walk.ts';

/** An owner or group that chown(2) leaves as it is. */
const LEAVE = -1;

/** Times in nanoseconds since 1970. */
export interface Times {
  readonly atime: bigint;
  readonly mtime: bigint;
}

/** truncate(2): vfs_truncate(). In securityfs it changes what stat shows; reading is not affected. */
export function truncate(call: Caller, path: string, length: number): void {
  if (length < 0) throw new KernelError('EINVAL');
  const { place } = walk(call, path);
  const inode = inodeAt(call.kernel, place);
  if (isDirectory(inode)) throw new KernelError('EISDIR');
  if (!isRegular(inode)) throw new KernelError('EINVAL');
  expectPermission(call, place, MAY_WRITE);
  removePrivileges(call, inode);
  fileSystemOf(call.kernel, place).truncate(call.kernel, inode, length, { touch: false });
  notify(call.kernel, place, IN_MODIFY);
}

/** chmod(2): `mode` holds permissions only. */
export const chmod = (call: Caller, path: string, mode: number): void =>
  changeMode(call, walk(call, path).place, mode);

/** fchmod(2). */
export const fchmod = (call: Caller, fd: number, mode: number): void =>
  changeMode(call, fileOf(call.kernel, fd).dentry.place, mode);

/** chmod_common(): who is not in the group cannot give the set-group-ID bit. */
function changeMode(call: Caller, place: Place, mode: number): void {
  const inode = inodeAt(call.kernel, place);
  expectOwner(call, place);
  fileSystemOf(call.kernel, place).mayChange?.(call.kernel, inode);
  const given = mayKeepGroup(call.user, inode.gid) ? mode : mode & ~S_ISGID;
  inode.mode = replaceMode(inode, given);
  changed(call, place, inode);
}

/** chown(2). -1 leaves an owner or a group as it is. */
export const chown = (call: Caller, path: string, uid: number, gid: number): void =>
  changeOwner(call, walk(call, path).place, uid, gid);

/** lchown(2): of a symbolic link itself. */
export const lchown = (call: Caller, path: string, uid: number, gid: number): void =>
  changeOwner(call, walk(call, path, { follow: false }).place, uid, gid);

/** fchown(2). */
export const fchown = (call: Caller, fd: number, uid: number, gid: number): void =>
  changeOwner(call, fileOf(call.kernel, fd).dentry.place, uid, gid);

/** chown_common() and setattr_prepare(): an owner changes the group to one of his own, and nothing else. */
function changeOwner(call: Caller, place: Place, uid: number, gid: number): void {
  const { kernel, user } = call;
  const inode = inodeAt(kernel, place);
  const root = user.uid === 0;
  const owner = user.uid === inode.uid;
  const [newUid, newGid] = [uid === LEAVE ? inode.uid : uid, gid === LEAVE ? inode.gid : gid];
  if (uid !== LEAVE && !root && !(owner && newUid === inode.uid)) throw new KernelError('EPERM');
  const ownGroup = newGid === inode.gid || isInGroup(user, newGid);
  if (gid !== LEAVE && !root && !(owner && ownGroup)) throw new KernelError('EPERM');
  const mode = withoutSetId(user, inode);
  if (mode !== inode.mode && !root && !owner) throw new KernelError('EPERM');
  fileSystemOf(kernel, place).mayChange?.(kernel, inode);
  Object.assign(inode, { uid: newUid, gid: newGid, mode });
  changed(call, place, inode);
}

/** utimensat(2). Without times, now, which whoever may write may set too. */
export const utimens = (call: Caller, path: string, times?: Times): void =>
  changeTimes(call, walk(call, path).place, times);

/** utimensat(2) with AT_SYMLINK_NOFOLLOW. */
export const lutimens = (call: Caller, path: string, times?: Times): void =>
  changeTimes(call, walk(call, path, { follow: false }).place, times);

/** futimens(3). */
export const futimens = (call: Caller, fd: number, times?: Times): void =>
  changeTimes(call, rawFileOf(call.kernel, fd).dentry.place, times);

/** utimes_common() and notify_change(). */
function changeTimes(call: Caller, place: Place, times: Times | undefined): void {
  const { kernel, user } = call;
  const inode = inodeAt(kernel, place);
  if (!ownerOrRoot(inode, user)) {
    if (times !== undefined) throw new KernelError('EPERM');
    if (!permits(inode, user, MAY_WRITE)) throw new KernelError('EACCES');
  }
  const now = timeOf(kernel);
  Object.assign(inode, times ?? { atime: now, mtime: now });
  changed(call, place, inode);
}

function changed({ kernel }: Caller, place: Place, inode: Inode): void {
  inode.ctime = timeOf(kernel);
  notify(kernel, place, IN_ATTRIB);
}

/** access(2): `wanted` has MAY_ bits, 0 for existence. */
export const access = (call: Caller, path: string, wanted: number): void =>
  expectPermission(call, walk(call, path).place, wanted);

/** umask(2): answers the one before. */
export function umask(call: Caller, mask: number): number {
  const before = call.umask;
  call.umask = mask & 0o777;
  return before;
}
