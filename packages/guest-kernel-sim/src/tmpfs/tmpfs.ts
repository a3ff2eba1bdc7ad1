import { drainPipe } from '../anonymous/pipe.ts';
import { KernelError } from '../errno.ts';
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from '../user.ts';
import { timeOf } from '../vfs/caller.ts';
import { direntType, type FileOperations, type FileSystem } from '../vfs/file-system.ts';
import { MAX_BYTES } from '../vfs/seek.ts';
import { punchPages } from './content.ts';
import { deviceOperations, socketOperations } from './devices.ts';
import { tmpDirectoryOperations } from './directory.ts';
import { fifoOperations } from './fifo.ts';
import { tmpInode } from './inode.ts';
import { PAGE_SIZE } from './page-allocator.ts';
import { tmpDirectoryFile, tmpRegularFile } from './regular-file.ts';

const NAME_MAX = 255;
/** A target with its zero beyond this has a page, as stat shows (mm/shmem.c). */
const SHORT_SYMLINK_LEN = 128;
const TMPFS_MAGIC = 0x0102_1994;

/** By the type of an inode. */
const FILE_OPERATIONS: Readonly<Record<number, FileOperations>> = {
  [S_IFDIR]: tmpDirectoryFile,
  [S_IFREG]: tmpRegularFile,
  [S_IFCHR]: deviceOperations,
  [S_IFIFO]: fifoOperations,
};

export const tmpFileSystem: FileSystem = {
  magic: TMPFS_MAGIC,
  directory: tmpDirectoryOperations,

  fileOperations(_kernel, inode) {
    return FILE_OPERATIONS[inode.mode & S_IFMT] ?? socketOperations;
  },

  inode: tmpInode,

  usage(kernel, { ino, nlink, size }) {
    const { pages, target } = tmpInode(kernel, ino);
    const count = target !== undefined && size >= SHORT_SYMLINK_LEN ? 1 : pages.size;
    return { nlink, size, blocks: (count * PAGE_SIZE) / 512 };
  },

  superblock: (kernel, ino) => tmpInode(kernel, ino).superblock,

  lookup({ kernel }, dir, name) {
    const { nlink, entries } = tmpInode(kernel, dir);
    if (nlink === 0) return undefined; // it was removed: nobody looks
    if (Buffer.byteLength(name) > NAME_MAX) throw new KernelError('ENAMETOOLONG');
    return entries?.find((entry) => entry.name === name)?.ino;
  },

  entries({ kernel }, dir) {
    return (tmpInode(kernel, dir).entries ?? []).map(({ name, ino }) => ({
      name,
      ino,
      type: direntType(tmpInode(kernel, ino).mode),
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
    if (size <= inode.size)
      punchPages(kernel, tmpInode(kernel, inode.ino).pages, size, Number.POSITIVE_INFINITY);
    inode.size = size;
  },

  /** VERSION: names that start with `user.` since 6.6. */
  xattr({ state }, name) {
    const user = state.profile.tmpfsUserXattrs && /^user\../.test(name);
    return user || /^(trusted|security)\../.test(name) ? 'kept' : 'unknown';
  },

  /** shmem_evict_inode(). */
  release(kernel, ino) {
    const inode = kernel.state.tmpfs.inodes.get(ino);
    if (inode?.pipe !== undefined) drainPipe(kernel, inode.pipe);
    if (inode === undefined || inode.nlink > 0) return;
    punchPages(kernel, inode.pages, 0, Number.POSITIVE_INFINITY);
    for (const { pages } of inode.xattrs.values()) punchPages(kernel, pages, 0, Number.POSITIVE_INFINITY);
    kernel.state.tmpfs.inodes.delete(ino);
  },
};
