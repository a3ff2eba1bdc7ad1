import { IN_ATTRIB, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_ISDIR, notify } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import { isDirectory, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import type { Dentry, DeviceNumber, NamedAt } from '../vfs/file-system.ts';
import { isMountPoint } from '../vfs/mounts.ts';
import { isHeld } from '../vfs/open-file.ts';
import { expectMayCreate, expectMayDelete, expectMayLink, newInode } from '../vfs/permission.ts';
import { fileSystemOf, inodeAt, isSameMount } from '../vfs/place.ts';
import { type Last, lookupLast, walk, walkToParent } from '../vfs/walk.ts';

/** Longest target of a symbolic link, with the zero behind it. */
const PATH_MAX = 4096;
const PERMISSIONS = 0o7777;

export type NodeType = 'fifo' | 'char' | 'block' | 'socket' | 'regular';
const NODE_TYPE: Readonly<Record<NodeType, number>> = {
  fifo: S_IFIFO,
  char: S_IFCHR,
  block: S_IFBLK,
  socket: S_IFSOCK,
  regular: S_IFREG,
};

/** filename_create(): EEXIST comes before permission; a slash at the end is for directories only. */
function newName(call: Caller, path: string, { directory }: { readonly directory: boolean }): Last {
  const last = walkToParent(call, path);
  if (last.kind !== 'name') throw new KernelError('EEXIST');
  if (lookupLast(call, last) !== undefined) throw new KernelError('EEXIST');
  if (last.slash && !directory) throw new KernelError('ENOENT');
  return last;
}

const named = ({ dir, name }: Last): NamedAt => ({ dir: dir.ino, name });

/** mkdir(2): vfs_mkdir(). `mode` holds permissions only, of which set-ID bits are not taken. */
export function mkdir(call: Caller, path: string, mode = 0o777): void {
  const last = newName(call, path, { directory: true });
  expectMayCreate(call, last.dir);
  const { mkdir: make } = fileSystemOf(call.kernel, last.dir).directory;
  if (make === undefined) throw new KernelError('EPERM');
  make(call.kernel, named(last), newInode(call, last.dir, S_IFDIR | (mode & 0o1777)));
  notify(call.kernel, last.dir, IN_CREATE | IN_ISDIR, last.name);
}

/** symlink(2): vfs_symlink(). */
export function symlink(call: Caller, target: string, path: string): void {
  if (target === '') throw new KernelError('ENOENT');
  if (Buffer.byteLength(target) >= PATH_MAX) throw new KernelError('ENAMETOOLONG');
  const last = newName(call, path, { directory: false });
  expectMayCreate(call, last.dir);
  const { symlink: make } = fileSystemOf(call.kernel, last.dir).directory;
  if (make === undefined) throw new KernelError('EPERM');
  make(call.kernel, named(last), target, newInode(call, last.dir, S_IFLNK | 0o777));
  notify(call.kernel, last.dir, IN_CREATE, last.name);
}

/** mknod(2): a regular file goes through create, which other directories may have; a device needs CAP_MKNOD. */
export function mknod(
  call: Caller,
  path: string,
  type: NodeType,
  mode = 0o666,
  device: DeviceNumber = { major: 0, minor: 0 },
): void {
  const last = newName(call, path, { directory: false });
  const { directory } = fileSystemOf(call.kernel, last.dir);
  expectMayCreate(call, last.dir);
  const made = newInode(call, last.dir, NODE_TYPE[type] | (mode & PERMISSIONS));
  if (type === 'regular') {
    if (directory.create === undefined) throw new KernelError('EACCES');
    directory.create(call.kernel, named(last), made);
  } else {
    const whiteout = type === 'char' && device.major === 0 && device.minor === 0;
    const needsCapability = (type === 'char' || type === 'block') && !whiteout;
    if (needsCapability && call.user.uid !== 0) throw new KernelError('EPERM');
    if (directory.mknod === undefined) throw new KernelError('EPERM');
    directory.mknod(call.kernel, named(last), made, device);
  }
  notify(call.kernel, last.dir, IN_CREATE, last.name);
}

/** link(2): do_linkat(). `follow` is AT_SYMLINK_FOLLOW. */
export function link(call: Caller, from: string, to: string, { follow = false } = {}): void {
  const { kernel } = call;
  const { place } = walk(call, from, { follow });
  const last = newName(call, to, { directory: false });
  if (!isSameMount(kernel, place, last.dir)) throw new KernelError('EXDEV');
  expectMayLink(call, place);
  expectMayCreate(call, last.dir);
  const { link: make } = fileSystemOf(kernel, last.dir).directory;
  if (make === undefined) throw new KernelError('EPERM');
  const inode = inodeAt(kernel, place);
  if (isDirectory(inode)) throw new KernelError('EPERM');
  if (inode.nlink === 0) throw new KernelError('ENOENT');
  make(kernel, place.ino, named(last));
  notify(kernel, place, IN_ATTRIB);
  notify(kernel, last.dir, IN_CREATE, last.name);
}

/** unlink(2): do_unlinkat() and vfs_unlink(). */
export function unlink(call: Caller, path: string): void {
  const last = walkToParent(call, path);
  if (last.kind !== 'name') throw new KernelError('EISDIR');
  const victim = existing(call, last);
  if (last.slash)
    throw new KernelError(isDirectory(inodeAt(call.kernel, victim.place)) ? 'EISDIR' : 'ENOTDIR');
  expectMayDelete(call, last.dir, victim, false);
  const { unlink: remove } = fileSystemOf(call.kernel, last.dir).directory;
  if (remove === undefined) throw new KernelError('EPERM');
  if (isMountPoint(call.kernel, victim)) throw new KernelError('EBUSY');
  const held = isHeld(call.kernel, victim.place);
  remove(call.kernel, named(last));
  notify(call.kernel, victim.place, held ? IN_ATTRIB : IN_DELETE_SELF);
  notify(call.kernel, last.dir, IN_DELETE, last.name);
}

/** rmdir(2): do_rmdir() and vfs_rmdir(). */
export function rmdir(call: Caller, path: string): void {
  const last = walkToParent(call, path);
  if (last.kind === 'dotdot') throw new KernelError('ENOTEMPTY');
  if (last.kind === 'dot') throw new KernelError('EINVAL');
  if (last.kind === 'root') throw new KernelError('EBUSY');
  const victim = existing(call, last);
  expectMayDelete(call, last.dir, victim, true);
  const { rmdir: remove } = fileSystemOf(call.kernel, last.dir).directory;
  if (remove === undefined) throw new KernelError('EPERM');
  if (isMountPoint(call.kernel, victim)) throw new KernelError('EBUSY');
  remove(call.kernel, named(last));
  notify(call.kernel, victim.place, IN_DELETE_SELF);
  notify(call.kernel, last.dir, IN_DELETE | IN_ISDIR, last.name);
}

/** What has the last name of a path, links not followed. Throws ENOENT. */
export function existing(call: Caller, last: Last): Dentry {
  const dentry = lookupLast(call, last);
  if (dentry === undefined) throw new KernelError('ENOENT');
  return dentry;
}
