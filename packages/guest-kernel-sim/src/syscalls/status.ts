import { KernelError } from '../errno.ts';
import { PAGE_SIZE } from '../tmpfs/page-allocator.ts';
import { isSymlink } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import type { Place } from '../vfs/file-system.ts';
import { rawFileOf } from '../vfs/open-file.ts';
import { dentryPath } from '../vfs/path-of.ts';
import { fileSystemOf, inodeAt } from '../vfs/place.ts';
import { walk } from '../vfs/walk.ts';
import { touch } from './descriptor-io.ts';

/** What stat(2) tells. Times in nanoseconds since 1970. */
export interface Stat {
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly blksize: 4096;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

/** What statfs(2) tells. */
export interface StatFs {
  readonly type: number;
  readonly bsize: 4096;
  readonly blocks: number;
  readonly bfree: number;
  readonly files: number;
  readonly namelen: 255;
  readonly frsize: 4096;
  /** ST_ bits. */
  readonly flags: number;
  readonly fsid: number;
}

/** What statx(2) tells besides. */
export interface Statx {
  readonly mask: number;
  readonly attributes: number;
  readonly attributesMask: number;
}

/** ST_VALID, _NOSUID, _NODEV, _NOEXEC and _RELATIME (include/linux/statfs.h): as systemd mounts. */
const MOUNT_FLAGS = 0x102e;
/** STATX_BASIC_STATS and STATX_MNT_ID (include/uapi/linux/stat.h). */
const STATX_MASK = 0x17ff;

/** stat(2) of what a path leads to. A link at its end is not followed, as lstat(2) does not, unless asked for. */
export const stat = (call: Caller, path: string, { follow = false } = {}): Stat =>
  statAt(call, walk(call, path, { follow }).place);

/** fstat(2). */
export const fstat = (call: Caller, fd: number): Stat =>
  statAt(call, rawFileOf(call.kernel, fd).dentry.place);

/** vfs_getattr(). */
function statAt({ kernel }: Caller, place: Place): Stat {
  const inode = inodeAt(kernel, place);
  const { ino, mode, uid, gid, atime, mtime, ctime } = inode;
  const { nlink, size, blocks } = fileSystemOf(kernel, place).usage(kernel, inode);
  return { ino, mode, nlink, uid, gid, size, blocks, blksize: 4096, atime, mtime, ctime };
}

/** statx(2): only what stat does not say. */
export function statx(call: Caller, path: string): Statx {
  walk(call, path);
  return {
    mask: STATX_MASK,
    attributes: 0,
    attributesMask: call.kernel.state.profile.statxAttributes,
  };
}

/** statfs(2). VERSION: f_fsid of securityfs: see the profile. DEVIATION: all mounts have the same flags. */
export function statfs(call: Caller, path: string): StatFs {
  const { kernel } = call;
  const { place } = walk(call, path);
  const { pages, tmpfs, profile } = kernel.state;
  const inMemory = place.fs === 'tmpfs';
  return {
    type: fileSystemOf(kernel, place).magic,
    bsize: PAGE_SIZE,
    blocks: inMemory ? pages.limit : 0,
    bfree: inMemory ? pages.limit - pages.used : 0,
    files: inMemory ? tmpfs.inodes.size : 0,
    namelen: 255,
    frsize: PAGE_SIZE,
    flags: MOUNT_FLAGS,
    fsid: profile.securityfsHasFsid || inMemory ? 1 : 0,
  };
}

/** readlink(2). Throws EINVAL for anything but a symbolic link. */
export function readlink(call: Caller, path: string): string {
  const dentry = walk(call, path, { follow: false });
  if (!isSymlink(inodeAt(call.kernel, dentry.place))) throw new KernelError('EINVAL');
  const target = fileSystemOf(call.kernel, dentry.place).readlink?.(call, dentry.place.ino);
  if (target === undefined) throw new KernelError('EINVAL');
  touch(call, { dentry, flags: 0 });
  return typeof target === 'string' ? target : dentryPath(call, target);
}
