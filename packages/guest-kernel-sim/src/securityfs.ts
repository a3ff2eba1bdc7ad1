import type { Gpa } from '@sevlab/codec/address';
import { KernelError } from './errno.ts';
import type { RunningKernel } from './running-kernel.ts';
import { isDirectory, S_IFDIR, S_IFREG } from './user.ts';
import type { DirectoryEntry } from './vfs/file-system.ts';
import { createInode, type Inode } from './vfs/inode.ts';
import { isHeld } from './vfs/open-file.ts';

/** Whose file operations an inode has: a loaded module's, or the kernel's own for `lsm`. */
export type OperationsName = 'efi_secret' | 'lsm';

/** What lies behind a file, in the functions of whoever made it. */
export interface InodeOperations {
  /** The content, produced when somebody reads. `entry` is what the inode's `private` was at open. */
  show(kernel: RunningKernel, entry: Gpa): Uint8Array;
  /** Called when a file is deleted, before its name goes. */
  unlink?(kernel: RunningKernel, inode: SecurityInode): void;
}

export interface SecurityInode extends Inode {
  /** Of a file. */
  readonly operations?: OperationsName;
  /** Of a file: where its content is (i_private); undefined after it was deleted. */
  private: Gpa | undefined;
  /** Of a directory: its names, newest first, which is the order that readdir gives. */
  entries?: DirectoryEntry[];
  /** Of a directory: the one above. */
  readonly parent?: number;
  /** Of a directory: whose unlink deletes its files; without it nothing can be deleted there. */
  readonly unlinkBy?: OperationsName;
}

/** The one superblock, as plain data. It exists before anybody mounts it. */
export interface SecurityFs {
  readonly inodes: Map<number, SecurityInode>;
  readonly root: number;
  nextIno: number;
}

const ROOT_INO = 1;

/** An empty tree; `now` in nanoseconds since 1970. */
export function createSecurityFs(now: bigint): SecurityFs {
  const root = directory(ROOT_INO, ROOT_INO, now, undefined);
  return {
    inodes: new Map([[ROOT_INO, root]]),
    root: ROOT_INO,
    nextIno: 2,
  };
}

const directory = (
  ino: number,
  parent: number,
  now: bigint,
  unlinkBy: OperationsName | undefined,
): SecurityInode => ({
  private: undefined,
  entries: [],
  parent,
  ...(unlinkBy && { unlinkBy }),
  ...createInode(ino, { mode: S_IFDIR | 0o755, uid: 0, gid: 0 }, 2, now),
});

/** securityfs_create_dir(). Returns the inode number. Throws EEXIST. The parent's times stay. */
export function createDirectory(
  kernel: RunningKernel,
  parent: number,
  name: string,
  unlinkBy?: OperationsName,
): number {
  const fs = kernel.state.securityfs;
  const ino = claimName(kernel, parent, name);
  fs.inodes.set(ino, directory(ino, parent, kernel.observer.clock.now, unlinkBy));
  inodeOf(fs, parent).nlink++;
  return ino;
}

/** securityfs_create_file(). `mode` holds permissions only. Returns the inode number. Throws EEXIST. */
export function createFile(
  kernel: RunningKernel,
  parent: number,
  name: string,
  mode: number,
  operations: OperationsName,
  entry: Gpa,
): number {
  const ino = claimName(kernel, parent, name);
  const now = kernel.observer.clock.now;
  kernel.state.securityfs.inodes.set(ino, {
    operations,
    private: entry,
    ...createInode(ino, { mode: S_IFREG | mode, uid: 0, gid: 0 }, 1, now),
  });
  return ino;
}

function claimName(kernel: RunningKernel, parent: number, name: string): number {
  const fs = kernel.state.securityfs;
  if (lookup(fs, parent, name) !== undefined) throw new KernelError('EEXIST');
  const ino = fs.nextIno++;
  entriesOf(fs, parent).unshift({ name, ino });
  return ino;
}

/**
 * securityfs_remove() up to 6.16. A directory that still has a name in it stays for ever, since nothing drops the
 * reference that its creation took; what somebody has open keeps its name until the last descriptor is closed.
 */
export function removeEntry(kernel: RunningKernel, parent: number, name: string): void {
  const fs = kernel.state.securityfs;
  const inode = lookup(fs, parent, name);
  if (inode === undefined) return; // user space deleted it
  if (inode.entries !== undefined && inode.entries.length > 0) return;
  const above = inodeOf(fs, parent);
  const now = kernel.observer.clock.now;
  if (isDirectory(inode)) {
    inode.nlink = 0;
    above.nlink--;
  } else {
    inode.nlink--;
  }
  inode.ctime = now;
  above.mtime = now;
  above.ctime = now;
  if (!isHeld(kernel, { fs: 'securityfs', ino: inode.ino })) dropEntry(kernel, parent, name);
}

/** securityfs_remove() since 6.17: all names below go at once, open or not. */
export function removeTree(kernel: RunningKernel, parent: number, name: string): void {
  const fs = kernel.state.securityfs;
  const inode = lookup(fs, parent, name);
  if (inode === undefined) return;
  for (const child of [...(inode.entries ?? [])]) removeTree(kernel, inode.ino, child.name);
  const above = inodeOf(fs, parent);
  const now = kernel.observer.clock.now;
  if (isDirectory(inode)) above.nlink--;
  inode.nlink = 0;
  inode.ctime = now;
  above.mtime = now;
  above.ctime = now;
  dropEntry(kernel, parent, name);
}

/** Takes a name out of a directory; the inode goes with it unless somebody holds it. */
export function dropEntry(kernel: RunningKernel, parent: number, name: string): void {
  const fs = kernel.state.securityfs;
  const dir = inodeOf(fs, parent);
  const ino = lookup(fs, parent, name)?.ino;
  dir.entries = entriesOf(fs, parent).filter((entry) => entry.name !== name);
  if (ino !== undefined && !isHeld(kernel, { fs: 'securityfs', ino })) fs.inodes.delete(ino);
}

/** Nobody holds an inode any more: without a link it goes, and with it the name of a removed one. */
export function releaseInode(fs: SecurityFs, ino: number): void {
  const inode = fs.inodes.get(ino);
  if (inode === undefined || inode.nlink > 0) return;
  for (const dir of fs.inodes.values()) {
    if (dir.entries?.some((entry) => entry.ino === ino)) {
      dir.entries = dir.entries.filter((entry) => entry.ino !== ino);
    }
  }
  fs.inodes.delete(ino);
}

/** The inode that a directory has under a name. */
export function lookup(fs: SecurityFs, parent: number, name: string): SecurityInode | undefined {
  const entry = entriesOf(fs, parent).find((candidate) => candidate.name === name);
  return entry && inodeOf(fs, entry.ino);
}

export function inodeOf(fs: SecurityFs, ino: number): SecurityInode {
  const inode = fs.inodes.get(ino);
  if (inode === undefined) throw new Error(`securityfs has no inode ${ino}`);
  return inode;
}

export function entriesOf(fs: SecurityFs, ino: number): DirectoryEntry[] {
  const { entries } = inodeOf(fs, ino);
  if (entries === undefined) throw new Error(`inode ${ino} is no directory`);
  return entries;
}
