/** Who makes a system call. Root has every capability. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

export const ROOT: User = { uid: 0, gid: 0, groups: [] };

export const MAY_READ = 4;
export const MAY_WRITE = 2;
export const MAY_EXEC = 1;

/** What permission depends on. */
export interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whether `user` may do all of `wanted` (MAY_ bits). The first class that fits decides alone; root may do anything
 * but execute a file without an x bit (fs/namei.c, generic_permission()).
 */
export function permits({ mode, uid, gid }: Owned, user: User, wanted: number): boolean {
  if (user.uid === 0) return isDirectory({ mode }) || (wanted & MAY_EXEC) === 0 || (mode & 0o111) !== 0;
  const shift = user.uid === uid ? 6 : isInGroup(user, gid) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

export const isInGroup = (user: User, gid: number): boolean => user.gid === gid || user.groups.includes(gid);

export const ownerOrRoot = (owned: Owned, user: User): boolean => user.uid === 0 || user.uid === owned.uid;

/** File types in `mode` (include/uapi/linux/stat.h). */
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

/** Bits of `mode`. */
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IXGRP = 0o010;
export const S_IWOTH = 0o002;

interface Mode {
  readonly mode: number;
}
export const isDirectory = ({ mode }: Mode): boolean => (mode & S_IFMT) === S_IFDIR;
export const isRegular = ({ mode }: Mode): boolean => (mode & S_IFMT) === S_IFREG;
export const isSymlink = ({ mode }: Mode): boolean => (mode & S_IFMT) === S_IFLNK;
export const isFifo = ({ mode }: Mode): boolean => (mode & S_IFMT) === S_IFIFO;
