import { createPipe } from '../anonymous/pipe.ts';
import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { isDirectory, isFifo, S_IFDIR, S_IFLNK } from '../user.ts';
import { timeOf } from '../vfs/caller.ts';
import type { DeviceNumber, DirectoryEntry, DirectoryOperations, NamedAt } from '../vfs/file-system.ts';
import { createInode, type NewInode } from '../vfs/inode.ts';
import { releasePlace } from '../vfs/open-file.ts';
import { type TmpfsInode, type TmpfsState, tmpInode } from './inode.ts';

/** What a directory's size grows by with each name (mm/shmem.c). */
const BOGO_DIRENT_SIZE = 20;

const entriesOf = (kernel: RunningKernel, dir: number): DirectoryEntry[] => {
  const { entries } = tmpInode(kernel, dir);
  if (entries === undefined) throw new Error(`inode ${dir} is no directory`);
  return entries;
};

const inoAt = (kernel: RunningKernel, { dir, name }: NamedAt): number => {
  const entry = entriesOf(kernel, dir).find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`inode ${dir} has no name ${name}`);
  return entry.ino;
};

/** The root directory of a mount. */
export function createRoot(state: TmpfsState, superblock: number, mode: number, now: bigint): number {
  const ino = state.nextIno++;
  state.inodes.set(ino, {
    superblock,
    entries: [],
    pages: new Map(),
    unwritten: new Set(),
    ...createInode(ino, { mode: S_IFDIR | mode, uid: 0, gid: 0 }, 2, now, 2 * BOGO_DIRENT_SIZE),
  });
  return ino;
}

/** shmem_get_inode(): there are as many inodes as pages. */
function createInodeIn(
  kernel: RunningKernel,
  dir: number,
  made: NewInode,
  { size = 0, ...more }: Partial<TmpfsInode> = {},
): number {
  const { tmpfs, pages } = kernel.state;
  if (tmpfs.inodes.size >= pages.limit) throw new KernelError('ENOSPC');
  const ino = tmpfs.nextIno++;
  const directory = isDirectory(made);
  tmpfs.inodes.set(ino, {
    superblock: tmpInode(kernel, dir).superblock,
    pages: new Map(),
    unwritten: new Set(),
    ...(directory && { entries: [], parent: dir }),
    ...more,
    ...createInode(ino, made, directory ? 2 : 1, timeOf(kernel), directory ? 2 * BOGO_DIRENT_SIZE : size),
  });
  return ino;
}

function addName(kernel: RunningKernel, { dir, name }: NamedAt, ino: number): void {
  entriesOf(kernel, dir).unshift({ name, ino });
  grow(kernel, dir, BOGO_DIRENT_SIZE);
}

function dropName(kernel: RunningKernel, { dir, name }: NamedAt): void {
  const inode = tmpInode(kernel, dir);
  inode.entries = entriesOf(kernel, dir).filter((entry) => entry.name !== name);
  grow(kernel, dir, -BOGO_DIRENT_SIZE);
}

function grow(kernel: RunningKernel, dir: number, by: number): void {
  const inode = tmpInode(kernel, dir);
  inode.size += by;
  inode.mtime = timeOf(kernel);
  inode.ctime = inode.mtime;
}

/** shmem_mknod() and what goes through it. */
function make(kernel: RunningKernel, at: NamedAt, made: NewInode, more?: Partial<TmpfsInode>): number {
  const ino = createInodeIn(kernel, at.dir, made, more);
  addName(kernel, at, ino);
  if (isDirectory(made)) tmpInode(kernel, at.dir).nlink++;
  return ino;
}

function unlink(kernel: RunningKernel, at: NamedAt): void {
  const inode = tmpInode(kernel, inoAt(kernel, at));
  dropName(kernel, at);
  inode.ctime = timeOf(kernel);
  inode.nlink--;
  releasePlace(kernel, { fs: 'tmpfs', ino: inode.ino });
}

function rmdir(kernel: RunningKernel, at: NamedAt): void {
  const inode = tmpInode(kernel, inoAt(kernel, at));
  if (entriesOf(kernel, inode.ino).length > 0) throw new KernelError('ENOTEMPTY');
  inode.nlink--;
  tmpInode(kernel, at.dir).nlink--;
  unlink(kernel, at);
}

/** shmem_rename2(). */
function rename(
  kernel: RunningKernel,
  from: NamedAt,
  to: NamedAt,
  { exchange }: { exchange: boolean },
): void {
  const inode = tmpInode(kernel, inoAt(kernel, from));
  const target = entriesOf(kernel, to.dir).find(({ name }) => name === to.name);
  if (exchange && target !== undefined) {
    move(kernel, tmpInode(kernel, target.ino), to, from);
    move(kernel, inode, from, to);
    return;
  }
  if (target !== undefined) {
    if (isDirectory(inode)) rmdir(kernel, to);
    else unlink(kernel, to);
  }
  dropName(kernel, from);
  addName(kernel, to, inode.ino);
  reparent(kernel, inode, from, to);
}

/** Half of an exchange: the other half gives `from` its new name. */
function move(kernel: RunningKernel, inode: TmpfsInode, from: NamedAt, to: NamedAt): void {
  tmpInode(kernel, to.dir).entries = entriesOf(kernel, to.dir).map((entry) =>
    entry.name === to.name ? { name: to.name, ino: inode.ino } : entry,
  );
  grow(kernel, to.dir, 0);
  reparent(kernel, inode, from, to);
}

function reparent(kernel: RunningKernel, inode: TmpfsInode, from: NamedAt, to: NamedAt): void {
  inode.ctime = timeOf(kernel);
  if (!isDirectory(inode) || from.dir === to.dir) return;
  inode.parent = to.dir;
  tmpInode(kernel, from.dir).nlink--;
  tmpInode(kernel, to.dir).nlink++;
}

export const tmpDirectoryOperations: DirectoryOperations = {
  create: make,
  mkdir: make,
  mknod: (kernel, at, made, device: DeviceNumber) =>
    make(kernel, at, made, isFifo(made) ? { pipe: createPipe() } : { device }),
  symlink: (kernel, at, target, made) =>
    make(kernel, at, { ...made, mode: S_IFLNK | 0o777 }, { target, size: Buffer.byteLength(target) }),
  link(kernel, ino, at) {
    addName(kernel, at, ino);
    const inode = tmpInode(kernel, ino);
    inode.nlink++;
    inode.ctime = timeOf(kernel);
  },
  unlink,
  rmdir,
  rename,
  tmpfile(kernel, dir, made) {
    const ino = createInodeIn(kernel, dir, made);
    tmpInode(kernel, ino).nlink = 0;
    return ino;
  },
};
