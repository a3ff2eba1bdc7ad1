import { utf8 } from '@sevlab/codec/bytes';
import { KernelError } from '../errno.ts';
import { SEEK_CUR, SEEK_SET } from '../open-flags.ts';
import { type PseudoNode, pseudoNode, pseudoNodes } from '../pseudo-files.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { isDirectory, isRegular, S_IFDIR } from '../user.ts';
import { type Caller, timeOf } from '../vfs/caller.ts';
import {
  type DirectoryOperations,
  direntType,
  type FileOperations,
  type FileSystem,
} from '../vfs/file-system.ts';
import { createInode, type Inode } from '../vfs/inode.ts';
import { isReadable, isWritable, type OpenFile } from '../vfs/open-file.ts';
import { inodeAt } from '../vfs/place.ts';
import { seekGeneric } from '../vfs/seek.ts';
import { isSelf, selfNodes } from './proc-self.ts';

/** A file of procfs or sysfs that somebody looked at: what it shows is made by its node, its attributes are here. */
export interface PseudoInode extends Inode {
  readonly path: string;
}

/** Inodes of procfs and sysfs, as plain data; they come when they are looked up. */
export interface PseudoState {
  readonly inodes: Map<number, PseudoInode>;
  readonly byPath: Map<string, number>;
  nextIno: number;
}

/** Only the two roots; `now` in nanoseconds since 1970. */
export function createPseudoState(now: bigint): PseudoState {
  const state: PseudoState = { inodes: new Map(), byPath: new Map(), nextIno: 1 };
  for (const path of ['/proc', '/sys']) {
    const ino = state.nextIno++;
    state.inodes.set(ino, { path, ...createInode(ino, { mode: S_IFDIR | 0o555, uid: 0, gid: 0 }, 1, now) });
    state.byPath.set(path, ino);
  }
  return state;
}

const PROC_SUPER_MAGIC = 0x9fa0;
const SYSFS_MAGIC = 0x6265_6572;
/** Size that every attribute of sysfs has (fs/sysfs/file.c). */
const ATTRIBUTE_SIZE = 4096;

const pathOf = ({ state }: RunningKernel, ino: number): string => pseudoInode(state.pseudo, ino).path;

function pseudoInode({ inodes }: PseudoState, ino: number): PseudoInode {
  const inode = inodes.get(ino);
  if (inode === undefined) throw new Error(`procfs and sysfs have no inode ${ino}`);
  return inode;
}

const nodeAt = (call: Caller, path: string): PseudoNode | undefined =>
  isSelf(path) ? selfNodes(call).get(path) : pseudoNode(call.kernel, path);

/** The inode number of a path, if there is something; what a process sees of itself is looked at anew. */
function pseudoInoOf(call: Caller, path: string): number | undefined {
  const { pseudo, booted } = call.kernel.state;
  const node = nodeAt(call, path);
  const known = pseudo.byPath.get(path);
  if (node === undefined) {
    pseudo.byPath.delete(path);
    return undefined;
  }
  const ino = known ?? pseudo.nextIno++;
  if (known === undefined || isSelf(path)) {
    const { uid, gid } = node.owner ?? { uid: 0, gid: 0 };
    const size = path.startsWith('/sys/') && isRegular(node) ? ATTRIBUTE_SIZE : 0;
    pseudo.inodes.set(ino, { path, ...createInode(ino, { mode: node.mode, uid, gid }, 1, booted, size) });
    pseudo.byPath.set(path, ino);
  }
  return ino;
}

const childPath = (folder: string, name: string): string => `${folder}/${name}`;

/** seq_lseek() of a file whose text was produced at open. */
function seekText(_call: Caller, file: OpenFile, offset: number, whence: number): number {
  const position = whence === SEEK_CUR ? file.position + offset : offset;
  if ((whence !== SEEK_SET && whence !== SEEK_CUR) || position < 0) throw new KernelError('EINVAL');
  return position;
}

const readText: FileOperations['read'] = (_call, file, position, length) =>
  (file.text ?? new Uint8Array(0)).slice(position, position + length);

function produceText(call: Caller, file: OpenFile): void {
  const node = nodeAt(call, pathOf(call.kernel, file.dentry.place.ino));
  if (node?.read !== undefined && isReadable(file)) file.text = utf8(node.read(call.user));
}

/** fs/proc/inode.c, proc_reg_file_ops: EIO for what the file does not have. */
const procFile: FileOperations = {
  pread: true,
  pwrite: false,
  splice: true,
  open: produceText,
  read: readText,
  seek: seekText,
  write() {
    throw new KernelError('EIO');
  },
};

/** fs/kernfs/file.c, kernfs_fop_open(): root needs permission bits too, and somebody who reads or writes. */
const sysFile: FileOperations = {
  pread: true,
  pwrite: true,
  fsync: true,
  splice: true,
  open(call, file) {
    const { place } = file.dentry;
    const { mode } = inodeAt(call.kernel, place);
    const node = nodeAt(call, pathOf(call.kernel, place.ino));
    if (isWritable(file) && ((mode & 0o222) === 0 || node?.write === undefined))
      throw new KernelError('EACCES');
    if (isReadable(file) && ((mode & 0o444) === 0 || node?.read === undefined))
      throw new KernelError('EACCES');
    produceText(call, file);
  },
  read: readText,
  seek: seekGeneric,
  write(call, file, _position, data) {
    const write = nodeAt(call, pathOf(call.kernel, file.dentry.place.ino))?.write;
    if (write === undefined) throw new KernelError('ENODEV'); // what it belonged to is gone
    write(new TextDecoder().decode(data));
    return data.length;
  },
};

const directoryFile: FileOperations = { pread: true, pwrite: true, seek: seekGeneric };

const refuse = (): never => {
  throw new KernelError('EPERM');
};

/** Either file system; both are told apart by the first component of their paths. */
const pseudoFileSystem = (
  root: '/proc' | '/sys',
  magic: number,
  file: FileOperations,
  directory: DirectoryOperations,
): FileSystem => ({
  magic,
  directory,
  fileOperations: (_kernel, inode) => (isDirectory(inode) ? directoryFile : file),
  inode: ({ state }, ino) => pseudoInode(state.pseudo, ino),

  usage(kernel, inode) {
    const folders = isDirectory(inode)
      ? [...pseudoNodes(kernel)].filter(
          ([path, node]) => isChild(pathOf(kernel, inode.ino), path) && isDirectory(node),
        ).length
      : -1;
    return { nlink: 2 + folders, size: inode.size, blocks: 0 };
  },

  superblock: () => 0,

  /** proc_lookup() knows no name that is not there, so nothing can be made; in sysfs there is room for one. */
  lookup(call, dir, name) {
    const ino = pseudoInoOf(call, childPath(pathOf(call.kernel, dir), name));
    if (ino === undefined && root === '/proc') throw new KernelError('ENOENT');
    return ino;
  },

  entries(call, dir) {
    const folder = pathOf(call.kernel, dir);
    return [...pseudoNodes(call.kernel), ...(root === '/proc' ? selfNodes(call) : [])]
      .filter(([path]) => isChild(folder, path))
      .map(([path, node]) => ({
        name: path.slice(folder.length + 1),
        ino: pseudoInoOf(call, path) ?? 0,
        type: direntType(node.mode),
      }));
  },

  parent(kernel, dir) {
    const path = pathOf(kernel, dir);
    return path === root ? undefined : kernel.state.pseudo.byPath.get(path.slice(0, path.lastIndexOf('/')));
  },

  readlink(call, ino) {
    const target = nodeAt(call, pathOf(call.kernel, ino))?.target;
    if (target === undefined) throw new KernelError('EINVAL');
    return target;
  },

  /** The size is nobody's to change; the times are. */
  truncate(kernel, inode, _size, { touch }) {
    if (!touch) return;
    inode.mtime = timeOf(kernel);
    inode.ctime = inode.mtime;
  },

  /** fs/proc/base.c, proc_setattr(): modes below a process's folder stay. */
  mayChange(kernel, inode) {
    if (isSelf(pathOf(kernel, inode.ino))) throw new KernelError('EPERM');
  },

  /** fs/kernfs/inode.c, kernfs_xattr_handlers: `user.*` only where cgroups are. */
  xattr(_kernel, name) {
    if (root === '/proc') return 'unknown';
    if (/^(trusted|security)\../.test(name)) return 'kept';
    return /^user\../.test(name) ? 'missing' : 'unknown';
  },
});

const isChild = (folder: string, path: string): boolean =>
  path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/');

export const sysFileSystem: FileSystem = pseudoFileSystem('/sys', SYSFS_MAGIC, sysFile, {
  mkdir: refuse,
  rmdir: refuse,
  rename: refuse,
});
export const procFileSystem: FileSystem = pseudoFileSystem('/proc', PROC_SUPER_MAGIC, procFile, {});
