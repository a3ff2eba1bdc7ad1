import type { Stat, Syscalls } from '../syscalls.ts';

/** What stat(2) tells programs; a file system says more than it has to. Times in nanoseconds since 1970. */
export interface FileStatus extends Omit<Stat, 'blocks' | 'blksize'> {
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly blksize: number;
  /** Major and minor number of the file system's device. */
  readonly device?: readonly [number, number];
  /** Major and minor number of a device file. */
  readonly rdev?: readonly [number, number];
  readonly btime?: bigint;
}

type Used =
  | 'user'
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'readlink'
  | 'readdir'
  | 'unlink'
  | 'rmdir'
  | 'mkdir'
  | 'symlink'
  | 'link'
  | 'rename'
  | 'chmod'
  | 'chown'
  | 'utimens'
  | 'truncate'
  | 'access';

/** System calls that programs make. */
export interface SystemCalls extends Pick<Syscalls, Used> {
  /** Of the link itself, where the path ends in one. */
  stat(path: string): FileStatus;
}

/** `path` as seen from a directory; `..` is left to the kernel. An empty path stays one, and names nothing. */
export function joinPath(directory: string, path: string): string {
  if (path === '' || path.startsWith('/')) return path;
  return directory.endsWith('/') ? directory + path : `${directory}/${path}`;
}
