import { concat } from '@sevlab/codec/bytes';
import { type ErrnoName, KernelError } from './errno.ts';
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  SEEK_CUR,
  SEEK_SET,
} from './open-flags.ts';
import { type Last, lookupLast, ownedOf, type Place, placeIsDirectory, walk, walkToParent } from './path.ts';
import { pseudoNodes, readPseudo, SECURITY_ROOT } from './pseudo-files.ts';
import type { RunningKernel } from './running-kernel.ts';
import {
  dropEntry,
  entriesOf,
  type Inode,
  inodeOf,
  isDirectory,
  type OpenFile,
  releaseInode,
} from './securityfs.ts';
import { createSeqFile, seqRead, seqSeek } from './seq-file.ts';
import {
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  ownerOrRoot,
  permits,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_IXGRP,
  type User,
} from './user.ts';

/** What stat(2) tells. Times in nanoseconds since 1970. */
export interface Stat {
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly blocks: 0;
  readonly blksize: 4096;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

/** A name that getdents64(2) gives; `type` is DT_DIR, DT_REG or DT_LNK. */
export interface Dirent {
  readonly name: string;
  readonly type: 4 | 8 | 10;
}

export type NodeType = 'fifo' | 'char' | 'socket' | 'regular';
const NODE_TYPE: Readonly<Record<NodeType, number>> = {
  fifo: S_IFIFO,
  char: S_IFCHR,
  socket: S_IFSOCK,
  regular: S_IFREG,
};

/**
 * System calls of one user, with the checks of fs/namei.c, fs/open.c and fs/attr.c in their order. Each throws
 * KernelError. A call that concerns securityfs is one event.
 */
export class Syscalls {
  readonly #kernel: RunningKernel;
  readonly user: User;

  constructor(kernel: RunningKernel, user: User) {
    this.#kernel = kernel;
    this.user = user;
  }

  /** Returns a descriptor. */
  open(path: string, flags: number = O_RDONLY): number {
    return this.#observed('open', path, () => this.#open(path, flags));
  }

  close(fd: number): void {
    const file = this.#file(fd);
    this.#observedOn('close', file, () => {
      const { securityfs } = this.#kernel.state;
      securityfs.open.delete(fd);
      releaseInode(securityfs, file.ino);
      return 0;
    });
  }

  /** Up to `length` bytes from the descriptor's position; none at the end. */
  read(fd: number, length: number): Uint8Array {
    const file = this.#file(fd);
    return this.#observedOn('read', file, () => {
      const read = this.#readAt(file, file.position, length);
      file.position += read.length;
      return read;
    });
  }

  /** Up to `length` bytes at `offset`; the descriptor's position stays. */
  pread(fd: number, length: number, offset: number): Uint8Array {
    if (offset < 0) throw new KernelError('EINVAL'); // before anybody looks at the descriptor
    const file = this.#file(fd);
    return this.#observedOn('pread64', file, () => this.#readAt(file, offset, length));
  }

  /** Returns the new position. */
  lseek(fd: number, offset: number, whence: number): number {
    const file = this.#file(fd);
    return this.#observedOn('lseek', file, () => {
      const position = whence === SEEK_CUR ? file.position + offset : offset;
      if ((whence !== SEEK_SET && whence !== SEEK_CUR) || position < 0) throw new KernelError('EINVAL');
      const inode = this.#inode(file);
      if (inode !== undefined && !isDirectory(inode))
        seqSeek(file.seq, position, () => this.#show(file, inode));
      file.position = position;
      return position;
    });
  }

  /** No file of securityfs can be written. Outside it, a file that takes text gets it. Returns what was written. */
  write(fd: number, data: Uint8Array): number {
    const file = this.#file(fd);
    return this.#observedOn('write', file, () => {
      if ((file.flags & O_ACCMODE) === O_RDONLY || file.pathOnly) throw new KernelError('EBADF');
      const write = pseudoNodes(this.#kernel).get(file.path)?.write;
      if (file.ino !== 0 || write === undefined) throw new KernelError('EINVAL');
      write(new TextDecoder().decode(data));
      return data.length;
    });
  }

  /** single_open() takes the right to write at an offset away. */
  pwrite(fd: number): never {
    const file = this.#file(fd);
    return this.#observedOn('pwrite64', file, (): never => {
      throw new KernelError('ESPIPE');
    });
  }

  mmap(fd: number): never {
    return this.#observedOn('mmap', this.#file(fd), (): never => {
      throw new KernelError('ENODEV');
    });
  }

  fstat(fd: number): Stat {
    const file = this.#file(fd);
    return this.#observedOn('fstat', file, () => this.#stat(this.#placeOf(file)));
  }

  ftruncate(fd: number, length: number): void {
    const file = this.#file(fd);
    this.#observedOn('ftruncate', file, () => {
      const inode = this.#inode(file);
      const writable = (file.flags & O_ACCMODE) !== O_RDONLY;
      if (length < 0 || inode === undefined || isDirectory(inode) || !writable)
        throw new KernelError('EINVAL');
      this.#setSize(inode, length, { stamp: true });
      return 0;
    });
  }

  /** A symbolic link at the end of the path is not followed, as lstat(2) does not. */
  stat(path: string): Stat {
    return this.#observed('stat', path, () => this.#stat(walk(this.#kernel, this.user, path)));
  }

  /** Throws EINVAL for anything but a symbolic link. */
  readlink(path: string): string {
    return this.#observed('readlink', path, () => {
      const place = walk(this.#kernel, this.user, path);
      if (place.fs !== 'pseudo' || place.node.target === undefined) throw new KernelError('EINVAL');
      return place.node.target;
    });
  }

  /** Names with `.` and `..` in front, in the order of the directory: newest first in securityfs. */
  readdir(path: string): Dirent[] {
    return this.#observed('getdents64', path, () => {
      const place = walk(this.#kernel, this.user, path);
      if (!placeIsDirectory(place)) throw new KernelError('ENOTDIR');
      if (!permits(ownedOf(place), this.user, MAY_READ)) throw new KernelError('EACCES');
      const dots: Dirent[] = [
        { name: '.', type: 4 },
        { name: '..', type: 4 },
      ];
      return [...dots, ...this.#names(place)];
    });
  }

  unlink(path: string): void {
    this.#observed('unlink', path, () => {
      const last = walkToParent(this.#kernel, this.user, path);
      if (isDots(last)) throw new KernelError('EISDIR');
      const place = this.#existing({ ...last, slash: false });
      if (last.slash) throw new KernelError(placeIsDirectory(place) ? 'EISDIR' : 'ENOTDIR');
      this.#mayRemove(last.dir, place, 'EISDIR');
      if (placeIsDirectory(place)) throw new KernelError('EISDIR');
      this.#unlink(last.dir, last.name, place);
      return 0;
    });
  }

  rmdir(path: string): void {
    this.#observed('rmdir', path, () => {
      const last = walkToParent(this.#kernel, this.user, path);
      if (last.name === '') throw new KernelError('EBUSY');
      if (last.name === '.') throw new KernelError('EINVAL');
      if (last.name === '..') throw new KernelError('ENOTEMPTY');
      const place = this.#existing({ ...last, slash: false });
      this.#mayRemove(last.dir, place, 'EBUSY');
      if (!placeIsDirectory(place)) throw new KernelError('ENOTDIR');
      throw new KernelError('EPERM'); // no rmdir in the directory's operations
    });
  }

  mkdir(path: string): void {
    this.#observed('mkdir', path, () => {
      this.#mayCreate(path);
      throw new KernelError('EPERM');
    });
  }

  symlink(_target: string, path: string): void {
    this.#observed('symlink', path, () => {
      this.#mayCreate(path);
      throw new KernelError('EPERM');
    });
  }

  /** A regular file goes through create, which the directories do not have. */
  mknod(path: string, type: NodeType): void {
    this.#observed('mknod', path, () => {
      this.#mayCreate(path);
      throw new KernelError(NODE_TYPE[type] === S_IFREG ? 'EACCES' : 'EPERM');
    });
  }

  /** fs.protected_hardlinks is 1, as Debian and systemd set it. */
  link(from: string, to: string): void {
    this.#observed('link', from, () => {
      const place = walk(this.#kernel, this.user, from);
      const last = walkToParent(this.#kernel, this.user, to);
      if (isDots(last) || lookupLast(this.#kernel, this.user, last) !== undefined)
        throw new KernelError('EEXIST');
      if (last.dir.fs !== place.fs) throw new KernelError('EXDEV');
      if (!ownerOrRoot(ownedOf(place), this.user)) throw new KernelError('EPERM');
      this.#mayChange(last.dir);
      throw new KernelError('EPERM');
    });
  }

  rename(from: string, to: string): void {
    this.#observed('rename', from, () => {
      const old = walkToParent(this.#kernel, this.user, from);
      const next = walkToParent(this.#kernel, this.user, to);
      if (old.dir.fs !== next.dir.fs) throw new KernelError('EXDEV');
      if (isDots(old) || isDots(next)) throw new KernelError('EBUSY');
      const source = this.#existing(old);
      const target = lookupLast(this.#kernel, this.user, next);
      if (this.#isWithin(next.dir, source)) throw new KernelError('EINVAL');
      if (target !== undefined && this.#isWithin(old.dir, target)) throw new KernelError('ENOTEMPTY');
      if (target !== undefined && sameFile(source, target)) return 0;
      this.#mayChange(old.dir);
      this.#mayChange(next.dir);
      if (target !== undefined && placeIsDirectory(source) !== placeIsDirectory(target))
        throw new KernelError(placeIsDirectory(source) ? 'ENOTDIR' : 'EISDIR');
      throw new KernelError('EPERM');
    });
  }

  /** Changes what stat shows; reading is not affected. */
  truncate(path: string, length: number): void {
    this.#observed('truncate', path, () => {
      if (length < 0) throw new KernelError('EINVAL');
      const place = walk(this.#kernel, this.user, path);
      if (placeIsDirectory(place)) throw new KernelError('EISDIR');
      if (!permits(ownedOf(place), this.user, MAY_WRITE)) throw new KernelError('EACCES');
      this.#setSize(this.#secured(place), length, { stamp: false });
      return 0;
    });
  }

  /** `mode` holds permissions only. */
  chmod(path: string, mode: number): void {
    this.#observed('chmod', path, () => {
      const inode = this.#ownedInode(path);
      inode.mode = (inode.mode & S_IFMT) | (mode & ~S_IFMT);
      inode.ctime = this.#now();
      return 0;
    });
  }

  /** Only root changes owners here; an owner could change the group to one of his own. */
  chown(path: string, uid: number, gid: number): void {
    this.#observed('chown', path, () => {
      const inode = this.#ownedInode(path);
      const { user } = this;
      const ownGroup = gid === user.gid || user.groups.includes(gid);
      if (user.uid !== 0 && (uid !== inode.uid || !ownGroup)) throw new KernelError('EPERM');
      Object.assign(inode, { uid, gid, mode: withoutSetId(inode.mode), ctime: this.#now() });
      return 0;
    });
  }

  /** Times in nanoseconds since 1970; without them, now, which whoever may write may set too. */
  utimens(path: string, times?: { readonly atime: bigint; readonly mtime: bigint }): void {
    this.#observed('utimensat', path, () => {
      const place = walk(this.#kernel, this.user, path);
      const owned = ownedOf(place);
      if (!ownerOrRoot(owned, this.user)) {
        if (times !== undefined) throw new KernelError('EPERM');
        if (!permits(owned, this.user, MAY_WRITE)) throw new KernelError('EACCES');
      }
      const now = this.#now();
      Object.assign(this.#secured(place), times ?? { atime: now, mtime: now }, { ctime: now });
      return 0;
    });
  }

  /** `wanted`: MAY_ bits, 0 for existence. */
  access(path: string, wanted: number): void {
    this.#observed('access', path, () => {
      if (!permits(ownedOf(walk(this.#kernel, this.user, path)), this.user, wanted))
        throw new KernelError('EACCES');
      return 0;
    });
  }

  /** The whole content, by open, read until the end, and close. */
  readFile(path: string): Uint8Array {
    const fd = this.open(path);
    try {
      const parts: Uint8Array[] = [];
      for (;;) {
        const part = this.read(fd, 65536);
        if (part.length === 0) return concat(...parts);
        parts.push(part);
      }
    } finally {
      this.close(fd);
    }
  }

  #open(path: string, flags: number): number {
    const last = walkToParent(this.#kernel, this.user, path);
    const create = (flags & O_CREAT) !== 0;
    if (create && last.slash) throw new KernelError('EISDIR');
    const place = lookupLast(this.#kernel, this.user, last);
    if (place === undefined) {
      if (!create) throw new KernelError('ENOENT');
      this.#mayChange(last.dir);
      throw new KernelError('EACCES'); // no create in the directory's operations
    }
    if ((flags & O_PATH) !== 0) return this.#describe(path, flags, place);
    if ((flags & O_TMPFILE) === O_TMPFILE) {
      this.#mayChange(place);
      throw new KernelError('EOPNOTSUPP');
    }
    if (create && (flags & O_EXCL) !== 0) throw new KernelError('EEXIST');
    this.#mayOpen(place, flags);
    const fd = this.#describe(path, flags, place);
    if ((flags & O_TRUNC) !== 0 && place.fs === 'securityfs') this.#setSize(place.inode, 0, { stamp: true });
    return fd;
  }

  /** may_open() and do_dentry_open(). */
  #mayOpen(place: Place, flags: number): void {
    const owned = ownedOf(place);
    const directory = placeIsDirectory(place);
    if ((flags & O_DIRECTORY) !== 0 && !directory) throw new KernelError('ENOTDIR');
    const access = flags & O_ACCMODE;
    const truncates = (flags & O_TRUNC) !== 0;
    const wanted = (access === O_WRONLY ? 0 : MAY_READ) | (access === O_RDONLY && !truncates ? 0 : MAY_WRITE);
    if (directory && ((wanted & MAY_WRITE) !== 0 || (flags & O_CREAT) !== 0)) throw new KernelError('EISDIR');
    if (!permits(owned, this.user, wanted)) throw new KernelError('EACCES');
    if ((flags & O_NOATIME) !== 0 && !ownerOrRoot(owned, this.user)) throw new KernelError('EPERM');
    if ((flags & O_DIRECT) !== 0) throw new KernelError('EINVAL');
  }

  #describe(path: string, flags: number, place: Place): number {
    const { securityfs } = this.#kernel.state;
    const fd = securityfs.nextFd++;
    const readable =
      place.fs === 'pseudo' && place.node.read !== undefined && (flags & O_ACCMODE) !== O_WRONLY;
    securityfs.open.set(fd, {
      ino: place.fs === 'securityfs' ? place.inode.ino : 0,
      path: place.fs === 'securityfs' ? path : place.path,
      flags,
      pathOnly: (flags & O_PATH) !== 0,
      position: 0,
      entry: place.fs === 'securityfs' ? place.inode.private : undefined,
      seq: createSeqFile(),
      ...(readable && { text: readPseudo(place.node, this.user) }),
    });
    return fd;
  }

  #readAt(file: OpenFile, position: number, length: number): Uint8Array {
    if ((file.flags & O_ACCMODE) === O_WRONLY || file.pathOnly) throw new KernelError('EBADF');
    const inode = this.#inode(file);
    if (inode === undefined) {
      if (file.text === undefined) throw new KernelError('EISDIR');
      return file.text.slice(position, position + length);
    }
    if (isDirectory(inode)) throw new KernelError('EISDIR');
    return seqRead(file.seq, position, length, () => this.#show(file, inode));
  }

  /** What the file's operations produce. Opened after its deletion, a file is empty. */
  #show(file: OpenFile, inode: Inode): Uint8Array {
    if (inode.operations === undefined || file.entry === undefined) return new Uint8Array(0);
    return this.#kernel.operations[inode.operations].show(this.#kernel, file.entry);
  }

  /**
   * VERSION: since the change of August 2025 the driver stamps the file's own inode instead of the directory
   * (profile.unlinkTouchesDirectory).
   */
  #unlink(dir: Place, name: string, place: Place): void {
    if (dir.fs !== 'securityfs' || dir.inode.unlinkBy === undefined) throw new KernelError('EPERM');
    const inode = this.#secured(place);
    this.#kernel.operations[dir.inode.unlinkBy].unlink?.(this.#kernel, inode);
    const now = this.#now();
    const { profile, securityfs } = this.#kernel.state;
    Object.assign(profile.unlinkTouchesDirectory ? dir.inode : inode, { mtime: now, ctime: now });
    inode.ctime = now;
    inode.nlink--;
    dropEntry(securityfs, dir.inode.ino, name);
  }

  /** may_create() and filename_create(): EEXIST comes before permission. */
  #mayCreate(path: string): void {
    const last = walkToParent(this.#kernel, this.user, path);
    if (isDots(last)) throw new KernelError('EEXIST');
    if (lookupLast(this.#kernel, this.user, { ...last, slash: false }) !== undefined)
      throw new KernelError('EEXIST');
    this.#mayChange(last.dir);
  }

  /** Names in a directory may be changed by whoever may write and enter it. Outside securityfs nothing changes. */
  #mayChange(dir: Place): void {
    if (!permits(ownedOf(dir), this.user, MAY_WRITE | MAY_EXEC)) throw new KernelError('EACCES');
    if (dir.fs === 'pseudo') throw new KernelError(/^\/(proc|sys)(\/|$)/.test(dir.path) ? 'EPERM' : 'EROFS');
  }

  /** As #mayChange; what is mounted on a directory of another file system gives `mounted`. */
  #mayRemove(dir: Place, place: Place, mounted: ErrnoName): void {
    const isMounted = dir.fs === 'pseudo' && place.fs === 'securityfs';
    if (isMounted && permits(ownedOf(dir), this.user, MAY_WRITE | MAY_EXEC)) throw new KernelError(mounted);
    this.#mayChange(dir);
  }

  /** Whether a directory is `ancestor`, or below it. */
  #isWithin(dir: Place, ancestor: Place): boolean {
    if (dir.fs !== 'securityfs' || ancestor.fs !== 'securityfs') return false;
    const { securityfs } = this.#kernel.state;
    for (let inode = dir.inode; ; inode = inodeOf(securityfs, inode.parent ?? securityfs.root)) {
      if (inode.ino === ancestor.inode.ino) return true;
      if (inode.ino === securityfs.root) return false;
    }
  }

  #existing(last: Last): Place {
    const place = lookupLast(this.#kernel, this.user, last);
    if (place === undefined) throw new KernelError('ENOENT');
    return place;
  }

  #ownedInode(path: string): Inode {
    const place = walk(this.#kernel, this.user, path);
    if (!ownerOrRoot(ownedOf(place), this.user)) throw new KernelError('EPERM');
    return this.#secured(place);
  }

  /** The inode of a place in securityfs; elsewhere attributes do not change. */
  #secured(place: Place): Inode {
    if (place.fs !== 'securityfs') throw new KernelError('EPERM');
    return place.inode;
  }

  #setSize(inode: Inode, size: number, { stamp }: { stamp: boolean }): void {
    inode.size = size;
    if (!stamp) return;
    inode.mtime = this.#now();
    inode.ctime = inode.mtime;
  }

  #names(place: Place): Dirent[] {
    if (place.fs === 'securityfs') {
      const { securityfs } = this.#kernel.state;
      return entriesOf(securityfs, place.inode.ino).map(({ name, ino }) => ({
        name,
        type: isDirectory(inodeOf(securityfs, ino)) ? 4 : 8,
      }));
    }
    const prefix = place.path === '/' ? '/' : `${place.path}/`;
    return [...pseudoNodes(this.#kernel)]
      .filter(([path]) => path.startsWith(prefix) && path !== '/' && !path.slice(prefix.length).includes('/'))
      .map(([path, node]) => ({
        name: path.slice(prefix.length),
        type: isDirectory(node) ? 4 : node.target === undefined ? 8 : 10,
      }));
  }

  #stat(place: Place): Stat {
    if (place.fs === 'securityfs') {
      const { ino, mode, nlink, uid, gid, size, atime, mtime, ctime } = place.inode;
      return { ino, mode, nlink, uid, gid, size, blocks: 0, blksize: 4096, atime, mtime, ctime };
    }
    const { mode } = place.node;
    const time = this.#kernel.state.booted;
    const directories = isDirectory(place.node)
      ? this.#names(place).filter(({ type }) => type === 4).length
      : 0;
    return {
      ino: 1 + [...pseudoNodes(this.#kernel).keys()].indexOf(place.path),
      mode,
      nlink: isDirectory(place.node) ? 2 + directories : 1,
      uid: 0,
      gid: 0,
      size: place.path.startsWith('/sys/') && (mode & S_IFMT) === S_IFREG ? 4096 : 0,
      blocks: 0,
      blksize: 4096,
      atime: time,
      mtime: time,
      ctime: time,
    };
  }

  #file(fd: number): OpenFile {
    const file = this.#kernel.state.securityfs.open.get(fd);
    if (file === undefined) throw new KernelError('EBADF');
    return file;
  }

  #inode(file: OpenFile): Inode | undefined {
    return file.ino === 0 ? undefined : inodeOf(this.#kernel.state.securityfs, file.ino);
  }

  #placeOf(file: OpenFile): Place {
    const inode = this.#inode(file);
    return inode === undefined ? walk(this.#kernel, this.user, file.path) : { fs: 'securityfs', inode };
  }

  #now(): bigint {
    return this.#kernel.observer.clock.now;
  }

  #observed<T>(name: string, path: string, call: () => T): T {
    const { state } = this.#kernel;
    if (state.mounted && (path === SECURITY_ROOT || path.startsWith(`${SECURITY_ROOT}/`))) {
      return this.#event(name, path, call);
    }
    return call();
  }

  #observedOn<T>(name: string, file: OpenFile, call: () => T): T {
    return file.ino === 0 ? call() : this.#event(name, file.path, call);
  }

  /** One event for one call: its value, or the name of its errno. */
  #event<T>(name: string, path: string, call: () => T): T {
    const { observer } = this.#kernel;
    let result: T;
    try {
      result = call();
    } catch (error) {
      if (error instanceof KernelError) {
        observer.observe('user', 'kernel', () => ({ type: 'syscall', name, path, result: `-${error.code}` }));
      }
      throw error;
    }
    observer.observe('user', 'kernel', () => ({
      type: 'syscall',
      name,
      path,
      result: result instanceof Uint8Array ? result.length : typeof result === 'number' ? result : 0,
      ...(result instanceof Uint8Array && { closed: { data: result.slice() } }),
    }));
    return result;
  }
}

const isDots = ({ name }: Last): boolean => name === '' || name === '.' || name === '..';

const sameFile = (a: Place, b: Place): boolean =>
  a.fs === 'securityfs' && b.fs === 'securityfs' ? a.inode.ino === b.inode.ino : false;

/** fs/open.c, chown_common(): a file with a new owner is nobody's to run as the old one; directories keep their bits. */
function withoutSetId(mode: number): number {
  if ((mode & S_IFMT) === S_IFDIR) return mode;
  return mode & ~S_ISUID & ((mode & S_IXGRP) === 0 ? ~0 : ~S_ISGID);
}
