import { KernelError } from './errno.ts';
import { SEEK_CUR, SEEK_SET } from './open-flags.ts';
import type { RunningKernel } from './running-kernel.ts';
import { dropEntry, entriesOf, inodeOf, lookup, releaseInode, type SecurityInode } from './securityfs.ts';
import { seqRead, seqSeek } from './seq-file.ts';
import { isDirectory } from './user.ts';
import { timeOf } from './vfs/caller.ts';
import { direntType, type FileOperations, type FileSystem, type NamedAt } from './vfs/file-system.ts';
import type { OpenFile } from './vfs/open-file.ts';
import { seekDirectory } from './vfs/seek.ts';

/** include/uapi/linux/magic.h. */
const SECURITYFS_MAGIC = 0x7363_6673;
const NAME_MAX = 255;

const inodeAt = ({ state }: RunningKernel, ino: number): SecurityInode => inodeOf(state.securityfs, ino);

/** What the file's operations produce. Opened after its deletion, a file is empty. */
function show(kernel: RunningKernel, file: OpenFile): Uint8Array {
  const { operations } = inodeAt(kernel, file.dentry.place.ino);
  if (operations === undefined || file.entry === undefined) return new Uint8Array(0);
  return kernel.operations[operations].show(kernel, file.entry);
}

/** Files that a module made with single_open(), which takes the right to write at an offset away. */
const seqFile: FileOperations = {
  pread: true,
  pwrite: false,

  read: ({ kernel }, file, position, length) => seqRead(file.seq, position, length, () => show(kernel, file)),

  /** seq_lseek(). */
  seek({ kernel }, file, offset, whence) {
    const position = whence === SEEK_CUR ? file.position + offset : offset;
    if ((whence !== SEEK_SET && whence !== SEEK_CUR) || position < 0) throw new KernelError('EINVAL');
    seqSeek(file.seq, position, () => show(kernel, file));
    return position;
  },
};

const directoryFile: FileOperations = { pread: true, pwrite: true, fsync: true, seek: seekDirectory };

/**
 * Whoever made the directory deletes its files; without that, nobody does.
 * VERSION: since the change of August 2025 the driver stamps the file's own inode instead of the directory
 * (profile.unlinkTouchesDirectory).
 */
function unlink(kernel: RunningKernel, { dir, name }: NamedAt): void {
  const directory = inodeAt(kernel, dir);
  const inode = lookup(kernel.state.securityfs, dir, name);
  if (directory.unlinkBy === undefined || inode === undefined) throw new KernelError('EPERM');
  kernel.operations[directory.unlinkBy].unlink?.(kernel, inode);
  const now = timeOf(kernel);
  const stamped = kernel.state.profile.unlinkTouchesDirectory ? directory : inode;
  Object.assign(stamped, { mtime: now, ctime: now });
  inode.ctime = now;
  inode.nlink--;
  dropEntry(kernel, dir, name);
}

/** security/inode.c: nothing can be made here, nor renamed or linked. */
export const securityFileSystem: FileSystem = {
  magic: SECURITYFS_MAGIC,
  directory: { unlink },
  fileOperations: (_kernel, inode) => (isDirectory(inode) ? directoryFile : seqFile),
  inode: inodeAt,
  usage: (_kernel, { nlink, size }) => ({ nlink, size, blocks: 0 }),
  superblock: () => 0,

  lookup({ kernel }, dir, name) {
    if (Buffer.byteLength(name) > NAME_MAX) throw new KernelError('ENAMETOOLONG');
    return lookup(kernel.state.securityfs, dir, name)?.ino;
  },

  entries: ({ kernel }, dir) =>
    entriesOf(kernel.state.securityfs, dir).map(({ name, ino }) => ({
      name,
      ino,
      type: direntType(inodeAt(kernel, ino).mode),
    })),

  parent(kernel, dir) {
    const { parent } = inodeAt(kernel, dir);
    return dir === kernel.state.securityfs.root ? undefined : parent;
  },

  /** simple_setattr(): what stat shows changes; content does not. */
  truncate(kernel, inode, size, { touch }) {
    inode.size = size;
    if (!touch) return;
    inode.mtime = timeOf(kernel);
    inode.ctime = inode.mtime;
  },

  xattr: () => 'unknown',
  release: (kernel, ino) => releaseInode(kernel.state.securityfs, ino),
};
