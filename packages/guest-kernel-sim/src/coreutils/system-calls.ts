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

/** System calls of a process in a directory: relative paths start at `cwd`, which is absolute. */
export function atDirectory(sys: Syscalls, cwd: string): SystemCalls {
  const at = (path: string): string => joinPath(cwd, path);
  return {
    user: sys.user,
    open: (path, flags) => sys.open(at(path), flags),
    close: (fd) => sys.close(fd),
    read: (fd, length) => sys.read(fd, length),
    write: (fd, data) => sys.write(fd, data),
    stat: (path) => sys.stat(at(path)),
    readlink: (path) => sys.readlink(at(path)),
    readdir: (path) => sys.readdir(at(path)),
    unlink: (path) => sys.unlink(at(path)),
    rmdir: (path) => sys.rmdir(at(path)),
    mkdir: (path) => sys.mkdir(at(path)),
    symlink: (target, path) => sys.symlink(target, at(path)),
    link: (from, to) => sys.link(at(from), at(to)),
    rename: (from, to) => sys.rename(at(from), at(to)),
    chmod: (path, mode) => sys.chmod(at(path), mode),
    chown: (path, uid, gid) => sys.chown(at(path), uid, gid),
    utimens: (path, times) => sys.utimens(at(path), times),
    truncate: (path, length) => sys.truncate(at(path), length),
    access: (path, wanted) => sys.access(at(path), wanted),
  };
}

/** `path` as seen from a directory; `..` is left to the kernel. An empty path stays one, and names nothing. */
export function joinPath(directory: string, path: string): string {
  if (path === '' || path.startsWith('/')) return path;
  return directory.endsWith('/') ? directory + path : `${directory}/${path}`;
}
