import {
  accessSync,
  type BigIntStats,
  chmodSync,
  closeSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { joinPath, type SystemCalls } from '../src/coreutils/system-calls.ts';
import { Errno, type ErrnoName, KernelError } from '../src/errno.ts';
import { O_RDONLY } from '../src/open-flags.ts';
import { ROOT } from '../src/user.ts';

/** System calls of the machine that runs the tests, so that our programs and its own can be put side by side. */
export function hostSystemCalls(cwd: string): SystemCalls {
  const at = (path: string): string => joinPath(cwd, path);
  return {
    user: ROOT,
    open: (path, flags = O_RDONLY) =>
      answer(() => {
        const created = !existsSync(at(path));
        const fd = openSync(at(path), flags, 0o644);
        if (created) chmodSync(at(path), 0o644); // whatever the umask is
        return fd;
      }),
    close: (fd) => closeSync(fd),
    read: (fd, length) =>
      answer(() => {
        const buffer = Buffer.alloc(length);
        return new Uint8Array(buffer.subarray(0, readSync(fd, buffer)));
      }),
    write: (fd, data) => answer(() => writeSync(fd, data)),
    stat: (path) => answer(() => statusOf(lstatSync(path === '' ? '' : at(path), { bigint: true }))),
    readlink: (path) => answer(() => readlinkSync(at(path))),
    readdir: (path) =>
      answer(() =>
        ['.', '..', ...readdirSync(at(path))].map((name) => ({
          name,
          ino: lstatSync(`${at(path)}/${name}`).ino,
          type: 8 as const,
        })),
      ),
    unlink: (path) => answer(() => unlinkSync(at(path))),
    rmdir: (path) => answer(() => rmdirSync(at(path))),
    mkdir: (path) =>
      answer(() => {
        mkdirSync(at(path));
        chmodSync(at(path), 0o755);
      }),
    symlink: (target, path) => answer(() => symlinkSync(target, at(path))),
    link: (from, to) => answer(() => linkSync(at(from), at(to))),
    rename: (from, to) => answer(() => renameSync(at(from), at(to))),
    chmod: (path, mode) => answer(() => chmodSync(at(path), mode)),
    chown: (path, uid, gid) => answer(() => lchownSync(at(path), uid, gid)),
    utimens: (path) => answer(() => utimesSync(at(path), new Date(), new Date())),
    truncate: (path, length) => answer(() => truncateSync(at(path), length)),
    access: (path, wanted) => answer(() => accessSync(at(path), wanted)),
  };
}

function statusOf(stat: BigIntStats): ReturnType<SystemCalls['stat']> {
  return {
    ino: Number(stat.ino),
    mode: Number(stat.mode),
    nlink: Number(stat.nlink),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    blocks: Number(stat.blocks),
    blksize: Number(stat.blksize),
    atime: stat.atimeNs,
    mtime: stat.mtimeNs,
    ctime: stat.ctimeNs,
    btime: stat.birthtimeNs,
    device: deviceNumbers(Number(stat.dev)),
    ...((Number(stat.mode) & 0o170000) === 0o020000 && { rdev: deviceNumbers(Number(stat.rdev)) }),
  };
}

/** gnu_dev_major() and gnu_dev_minor() of glibc, for numbers of 32 bits. */
const deviceNumbers = (device: number): [number, number] => [
  (device >>> 8) & 0xfff,
  (device & 0xff) | ((device >>> 12) & 0xfff00),
];

function answer<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (Object.hasOwn(Errno, code)) throw new KernelError(code as ErrnoName);
    throw error;
  }
}
