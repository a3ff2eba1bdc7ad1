import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import type { FileOperations, FileSystem, Place } from '../vfs/file-system.ts';
import { createInode, type Inode } from '../vfs/inode.ts';
import { epollOperations } from './epoll.ts';
import { type Inotify, inotifyOperations } from './inotify.ts';
import { drainPipe, type Pipe, pipeOperations } from './pipe.ts';

/** What has descriptors and no path: pipes, epoll and inotify instances (fs/pipe.c, fs/anon_inodes.c). */
export interface AnonymousInode extends Inode {
  readonly pipe?: Pipe;
  readonly inotify?: Inotify;
  /** Of an epoll instance: descriptors that were added. */
  readonly epoll?: Set<number>;
}

/** As plain data. */
export interface AnonymousState {
  readonly inodes: Map<number, AnonymousInode>;
  nextIno: number;
  /** Of the next rename that inotify tells of. */
  nextCookie: number;
}

const PIPEFS_MAGIC = 0x5049_5045;

function anonymousInode({ state: { anonymous } }: RunningKernel, ino: number): AnonymousInode {
  const inode = anonymous.inodes.get(ino);
  if (inode === undefined) throw new Error(`there is no pipe or instance ${ino}`);
  return inode;
}

/** `mode` with the type; the caller's. */
export function createAnonymous(
  { state: { anonymous }, observer }: RunningKernel,
  made: Pick<Inode, 'mode' | 'uid' | 'gid'>,
  what: Pick<AnonymousInode, 'pipe' | 'inotify' | 'epoll'>,
): Place {
  const ino = anonymous.nextIno++;
  anonymous.inodes.set(ino, { ...createInode(ino, made, 1, observer.clock.now), ...what });
  return { fs: 'anonymous', ino };
}

const nowhere = (): never => {
  throw new KernelError('ENOTDIR');
};

export const anonymousFileSystem: FileSystem = {
  magic: PIPEFS_MAGIC,
  directory: {},
  fileOperations(kernel, { ino }): FileOperations {
    const { pipe, inotify } = anonymousInode(kernel, ino);
    if (pipe !== undefined) return pipeOperations;
    return inotify === undefined ? epollOperations : inotifyOperations;
  },
  inode: anonymousInode,
  usage: (_kernel, { nlink, size }) => ({ nlink, size, blocks: 0 }),
  superblock: () => 0,
  lookup: nowhere,
  entries: nowhere,
  parent: () => undefined,
  truncate() {
    throw new KernelError('EINVAL');
  },
  xattr: () => 'unknown',
  release(kernel, ino) {
    const { pipe } = anonymousInode(kernel, ino);
    if (pipe !== undefined) drainPipe(kernel, pipe);
    kernel.state.anonymous.inodes.delete(ino);
  },
};
