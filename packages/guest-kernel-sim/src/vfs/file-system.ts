import type { RunningKernel } from '../running-kernel.ts';
import { S_IFMT } from '../user.ts';
import type { Caller } from './caller.ts';
import type { Inode, NewInode } from './inode.ts';
import type { OpenFile } from './open-file.ts';

export type FileSystemName = 'securityfs' | 'tmpfs' | 'proc' | 'sysfs' | 'anonymous';

/** An inode by its file system and number: plain data, so that descriptors can hold it. */
export interface Place {
  readonly fs: FileSystemName;
  readonly ino: number;
}

/** Where a walk ended: what lies there, and by which name of which directory, unless it has none. */
export interface Dentry {
  readonly place: Place;
  readonly dir: Place | undefined;
  readonly name: string;
}

/** A name that getdents64(2) gives. `type` is DT_FIFO, DT_CHR, DT_DIR, DT_BLK, DT_REG, DT_LNK or DT_SOCK. */
export interface Dirent {
  readonly name: string;
  readonly ino: number;
  readonly type: 1 | 2 | 4 | 6 | 8 | 10 | 12;
}

const DT: Readonly<Record<number, Dirent['type']>> = { 1: 1, 2: 2, 4: 4, 6: 6, 10: 10, 12: 12 };

/** S_DT(): the type of a name, from the mode of what it names. */
export const direntType = (mode: number): Dirent['type'] => DT[(mode & S_IFMT) >> 12] ?? 8;

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly ino: number;
}

/** Device numbers of a character or block device. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** A name that a file goes from or to, in directory `dir`. */
export interface NamedAt {
  readonly dir: number;
  readonly name: string;
}

/**
 * What a directory can do (include/linux/fs.h, struct inode_operations). What is missing, the callers answer with
 * EACCES (create) or EPERM.
 */
export interface DirectoryOperations {
  create?(kernel: RunningKernel, at: NamedAt, made: NewInode): number;
  mkdir?(kernel: RunningKernel, at: NamedAt, made: NewInode): number;
  mknod?(kernel: RunningKernel, at: NamedAt, made: NewInode, device: DeviceNumber): number;
  symlink?(kernel: RunningKernel, at: NamedAt, target: string, made: NewInode): number;
  link?(kernel: RunningKernel, ino: number, at: NamedAt): void;
  unlink?(kernel: RunningKernel, at: NamedAt): void;
  rmdir?(kernel: RunningKernel, at: NamedAt): void;
  rename?(kernel: RunningKernel, from: NamedAt, to: NamedAt, options: { readonly exchange: boolean }): void;
  /** A file without a name. */
  tmpfile?(kernel: RunningKernel, dir: number, made: NewInode): number;
}

/** fallocate(2) (include/uapi/linux/falloc.h). */
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;

/** What an open file can do (struct file_operations). What is missing, the callers answer with the errno they name. */
export interface FileOperations {
  /** More than permission: throws KernelError. */
  open?(call: Caller, file: OpenFile): void;
  read?(call: Caller, file: OpenFile, position: number, length: number): Uint8Array;
  write?(call: Caller, file: OpenFile, position: number, data: Uint8Array): number;
  /** Answers the new position. Without it there are no positions: ESPIPE. */
  seek?(call: Caller, file: OpenFile, offset: number, whence: number): number;
  /** Whether pread(2) and pwrite(2) are allowed. */
  readonly pread: boolean;
  readonly pwrite: boolean;
  /** What fsync(2) answers: 0 here, since nothing is behind it. EINVAL without. */
  readonly fsync?: true;
  /** Content goes to a pipe or another file without a copy: splice(2), sendfile(2). EINVAL without. */
  readonly splice?: true;
  /** O_DIRECT is accepted; EINVAL without. */
  readonly direct?: (kernel: RunningKernel) => boolean;
  /** `mode` is 0, FALLOC_FL_KEEP_SIZE, or that with FALLOC_FL_PUNCH_HOLE. */
  fallocate?(call: Caller, file: OpenFile, mode: number, offset: number, length: number): void;
  /** FS_IOC_GETFLAGS. ENOTTY without. */
  readonly flags?: number;
  /** POLLIN and POLLOUT bits; a file without it is always ready for both, and epoll does not take it. */
  poll?(call: Caller, file: OpenFile): number;
}

/** The numbers of stat(2) that are not simply the inode's. */
export interface Usage {
  readonly nlink: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
}

export interface FileSystem {
  /** f_type of statfs(2) (include/uapi/linux/magic.h). */
  readonly magic: number;
  readonly directory: DirectoryOperations;
  /** Operations of an open file of that inode. */
  fileOperations(kernel: RunningKernel, inode: Inode): FileOperations;
  inode(kernel: RunningKernel, ino: number): Inode;
  usage(kernel: RunningKernel, inode: Inode): Usage;
  /** Which mount of this kind an inode belongs to. */
  superblock(kernel: RunningKernel, ino: number): number;
  /** Throws ENAMETOOLONG, or ENOENT where nothing can have that name ever. */
  lookup(call: Caller, dir: number, name: string): number | undefined;
  /** Names of a directory in the order in which it gives them. */
  entries(call: Caller, dir: number): Dirent[];
  /** The directory above one; undefined for the root. */
  parent(kernel: RunningKernel, dir: number): number | undefined;
  /** The target of a symbolic link; a place when it leads there whatever names say. */
  readlink?(call: Caller, ino: number): string | Dentry;
  /** New size of a regular file, as setattr gets it. `touch` as ftruncate and O_TRUNC ask for. */
  truncate(kernel: RunningKernel, inode: Inode, size: number, options: { readonly touch: boolean }): void;
  /** Refuses a change of attributes beyond what permission says. Throws KernelError. */
  mayChange?(kernel: RunningKernel, inode: Inode): void;
  /** Whether it keeps extended attributes of that name, or only says that there is none. */
  xattr(kernel: RunningKernel, name: string): 'kept' | 'missing' | 'unknown';
  /** After the last descriptor, and with no name left. */
  release?(kernel: RunningKernel, ino: number): void;
}
