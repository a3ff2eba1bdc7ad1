import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { isDirectory, isRegular, S_IFMT } from '../user.ts';
import { timeOf } from '../vfs/caller.ts';
import type { DeviceNumber, DirectoryEntry, Dirent, FileSystem } from '../vfs/file-system.ts';
import type { Inode } from '../vfs/inode.ts';
import { MAX_BYTES } from '../vfs/seek.ts';
import { type Pages, punchPages } from './content.ts';
import { deviceOperations } from './devices.ts';
import { tmpDirectoryOperations } from './directory.ts';
import { PAGE_SIZE } from './page-allocator.ts';
import { tmpDirectoryFile, tmpRegularFile } from './regular-file.ts';

/** An inode of a tmpfs (mm/shmem.c). Its content is in guest memory; here is where. */
export interface TmpfsInode extends Inode {
  /** Which mount it belongs to. */
  readonly superblock: number;
  /** Of a directory: its names, newest first, which is the order that readdir gives. */
  entries?: DirectoryEntry[];
  /** Of a directory: the one above; undefined for the root of a mount. */
  parent?: number;
  readonly pages: Pages;
  /** Of a symbolic link. */
  readonly target?: string;
  /** Of a device. */
  readonly device?: DeviceNumber;
  /** Extended attributes: their values as files without a name. */
  readonly xattrs: Map<string, { readonly pages: Pages; readonly size: number }>;
}

/** Every tmpfs of a kernel, as plain data. */
export interface TmpfsState {
  readonly inodes: Map<number, TmpfsInode>;
  nextIno: number;
}

const NAME_MAX = 255;
const TMPFS_MAGIC = 0x0102_1994;

const DT: Readonly<Record<number, Dirent['type']>> = { 1: 1, 2: 2, 4: 4, 6: 6, 8: 8, 10: 10, 12: 12 };

export function tmpInode({ state: { tmpfs } }: RunningKernel, ino: number): TmpfsInode {
  const inode = tmpfs.inodes.get(ino);
  if (inode === undefined) throw new Error(`tmpfs has no inode ${ino}`);
  return inode;
}

export const tmpFileSystem: FileSystem = {
  magic: TMPFS_MAGIC,
  directory: tmpDirectoryOperations,

  fileOperations(_kernel, inode) {
    if (isDirectory(inode)) return tmpDirectoryFile;
    return isRegular(inode) ? tmpRegularFile : deviceOperations;
  },

  inode: tmpInode,

  usage(kernel, { ino, nlink, size }) {
    const blocks = (tmpInode(kernel, ino).pages.size * PAGE_SIZE) / 512;
    return { nlink, size, blocks };
  },

  superblock: (kernel, ino) => tmpInode(kernel, ino).superblock,

  lookup({ kernel }, dir, name) {
    if (Buffer.byteLength(name) > NAME_MAX) throw new KernelError('ENAMETOOLONG');
    return tmpInode(kernel, dir).entries?.find((entry) => entry.name === name)?.ino;
  },

  entries({ kernel }, dir) {
    return (tmpInode(kernel, dir).entries ?? []).map(({ name, ino }) => ({
      name,
      ino,
      type: DT[(tmpInode(kernel, ino).mode & S_IFMT) >> 12] ?? 8,
    }));
  },

  parent(kernel, dir) {
    const { parent } = tmpInode(kernel, dir);
    return parent !== undefined && kernel.state.tmpfs.inodes.has(parent) ? parent : undefined; // it may be deleted
  },

  readlink({ kernel }, ino) {
    const { target } = tmpInode(kernel, ino);
    if (target === undefined) throw new KernelError('EINVAL');
    return target;
  },

  /** shmem_setattr(). */
  truncate(kernel, inode, size, { touch }) {
    if (size > MAX_BYTES) throw new KernelError('EFBIG');
    if (touch || size !== inode.size) {
      inode.mtime = timeOf(kernel);
      inode.ctime = inode.mtime;
    }
    if (size < inode.size) {
      const end = Math.ceil(inode.size / PAGE_SIZE) * PAGE_SIZE;
      punchPages(kernel, tmpInode(kernel, inode.ino).pages, size, Math.max(end, size));
    }
    inode.size = size;
  },

  /** VERSION: names that start with `user.` since 6.6. */
  hasXattr: ({ state }, name) =>
    /^(trusted|security)\../.test(name) || (state.profile.tmpfsUserXattrs && /^user\../.test(name)),

  /** shmem_evict_inode(). */
  release(kernel, ino) {
    const inode = kernel.state.tmpfs.inodes.get(ino);
    if (inode === undefined || inode.nlink > 0) return;
    punchPages(kernel, inode.pages, 0, Number.POSITIVE_INFINITY);
    for (const { pages } of inode.xattrs.values()) punchPages(kernel, pages, 0, Number.POSITIVE_INFINITY);
    kernel.state.tmpfs.inodes.delete(ino);
  },
};
