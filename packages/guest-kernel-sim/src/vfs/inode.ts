import type { Pages } from '../tmpfs/content.ts';

/** What every file system keeps of a file, and setattr changes (include/linux/fs.h, struct inode). */
export interface Inode {
  readonly ino: number;
  /** Type and permissions. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Bytes, as stat shows them. */
  size: number;
  /** Nanoseconds since 1970. */
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  /** Extended attributes: their values lie in guest memory. */
  readonly xattrs: Map<string, { readonly pages: Pages; readonly size: number }>;
}

/** An inode that is about to be made: type, permissions and owner. */
export type NewInode = Pick<Inode, 'mode' | 'uid' | 'gid'>;

/** `now` in nanoseconds since 1970; `size` in bytes. */
export const createInode = (ino: number, made: NewInode, nlink: number, now: bigint, size = 0): Inode => ({
  ino,
  mode: made.mode,
  uid: made.uid,
  gid: made.gid,
  nlink,
  size,
  atime: now,
  mtime: now,
  ctime: now,
  xattrs: new Map(),
});
