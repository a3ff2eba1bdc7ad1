import type { Caller } from '../vfs/caller.ts';
import {
  access,
  chmod,
  chown,
  fchmod,
  fchown,
  futimens,
  lchown,
  lutimens,
  truncate,
  umask,
  utimens,
} from './attributes.ts';
import { become } from './credentials.ts';
import { fallocate, ftruncate, lseek, pread, preadv2, pwrite, read, write } from './descriptor-io.ts';
import { chdir, exit, fchdir, getcwd, getdents, readdir } from './directories.ts';
import { ioctl } from './ioctl.ts';
import { flock, getFlags, setLease, setRecordLock } from './locks.ts';
import { link, mkdir, mknod, rmdir, symlink, unlink } from './names.ts';
import { close, open } from './opening.ts';
import { epollAdd, epollCreate, poll } from './polling.ts';
import { rename } from './rename.ts';
import { execve, mmap, nameToHandleAt } from './running.ts';
import { fstat, readlink, stat, statfs, statx } from './status.ts';
import { fadvise, fsync, readahead, syncFileRange, syncfs } from './syncing.ts';
import { copyFileRange, pipe, sendfile, splice } from './transfer.ts';
import { inotifyAddWatch, inotifyInit, inotifyRmWatch } from './watching.ts';
import { getxattr, listxattr, removexattr, setxattr } from './xattr.ts';

/** A system call: Linux' name of it, what it does, and which argument tells what it is about. */
export interface SystemCall<A extends unknown[], R> {
  readonly name: string;
  readonly run: (call: Caller, ...args: A) => R;
  readonly about: 'first path' | 'second path' | 'descriptor' | 'process';
}

const at = <A extends unknown[], R>(
  name: string,
  run: (call: Caller, path: string, ...rest: A) => R,
): SystemCall<[path: string, ...rest: A], R> => ({ name, run, about: 'first path' });

const to = <F, A extends unknown[], R>(
  name: string,
  run: (call: Caller, first: F, path: string, ...rest: A) => R,
): SystemCall<[first: F, path: string, ...rest: A], R> => ({ name, run, about: 'second path' });

const on = <A extends unknown[], R>(
  name: string,
  run: (call: Caller, fd: number, ...rest: A) => R,
): SystemCall<[fd: number, ...rest: A], R> => ({ name, run, about: 'descriptor' });

const of = <A extends unknown[], R>(
  name: string,
  run: (call: Caller, ...args: A) => R,
): SystemCall<A, R> => ({
  name,
  run,
  about: 'process',
});

/** Every system call by the name that it has here. */
export const SYSTEM_CALLS = {
  access: at('access', access),
  become: of('setresuid', become),
  chdir: at('chdir', chdir),
  chmod: at('chmod', chmod),
  chown: at('chown', chown),
  close: on('close', close),
  copyFileRange: on('copy_file_range', copyFileRange),
  epollAdd: of('epoll_ctl', epollAdd),
  epollCreate: of('epoll_create1', epollCreate),
  execve: at('execve', execve),
  exit: of('exit_group', exit),
  fadvise: on('fadvise64', fadvise),
  fallocate: on('fallocate', fallocate),
  fchdir: on('fchdir', fchdir),
  fchmod: on('fchmod', fchmod),
  fchown: on('fchown', fchown),
  fdatasync: on('fdatasync', fsync),
  flock: on('flock', flock),
  fstat: on('fstat', fstat),
  fsync: on('fsync', fsync),
  ftruncate: on('ftruncate', ftruncate),
  futimens: on('utimensat', futimens),
  getFlags: on('fcntl', getFlags),
  getcwd: of('getcwd', getcwd),
  getdents: on('getdents64', getdents),
  getxattr: at('getxattr', getxattr),
  inotifyAddWatch: to('inotify_add_watch', inotifyAddWatch),
  inotifyInit: of('inotify_init1', inotifyInit),
  inotifyRmWatch: of('inotify_rm_watch', inotifyRmWatch),
  ioctl: on('ioctl', ioctl),
  lchown: at('lchown', lchown),
  link: at('link', link),
  listxattr: at('listxattr', listxattr),
  lseek: on('lseek', lseek),
  lutimens: at('utimensat', lutimens),
  mkdir: at('mkdir', mkdir),
  mknod: at('mknod', mknod),
  mmap: on('mmap', mmap),
  nameToHandleAt: at('name_to_handle_at', nameToHandleAt),
  open: at('open', open),
  pipe: of('pipe2', pipe),
  poll: on('poll', poll),
  pread: on('pread64', pread),
  preadv2: on('preadv2', preadv2),
  pwrite: on('pwrite64', pwrite),
  read: on('read', read),
  readahead: on('readahead', readahead),
  readdir: at('getdents64', readdir),
  readlink: at('readlink', readlink),
  removexattr: at('removexattr', removexattr),
  rename: at('rename', rename),
  rmdir: at('rmdir', rmdir),
  sendfile: of('sendfile', sendfile),
  setLease: on('fcntl', setLease),
  setRecordLock: on('fcntl', setRecordLock),
  setxattr: at('setxattr', setxattr),
  splice: on('splice', splice),
  stat: at('stat', stat),
  statfs: at('statfs', statfs),
  statx: at('statx', statx),
  symlink: to('symlink', symlink),
  syncFileRange: on('sync_file_range', syncFileRange),
  syncfs: on('syncfs', syncfs),
  truncate: at('truncate', truncate),
  umask: of('umask', umask),
  unlink: at('unlink', unlink),
  utimens: at('utimensat', utimens),
  write: on('write', write),
};
