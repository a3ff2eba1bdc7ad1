import type { File, Link, Node, Result, StatError } from '@jsonjoy.com/fs-core';
import type { IFs } from 'memfs';
import { KernelError } from './errno.ts';
import loadMemfs from './load-memfs.cjs';
import { descriptorFileClass } from './memfs/descriptor-file.ts';
import { type FsCore, nodeErrors } from './memfs/fs-core.ts';
import { statNodeClass } from './memfs/stat-node.ts';
import { O_PATH } from './open-flags.ts';
import type { Stat, Syscalls } from './syscalls.ts';
import { isDirectory, isSymlink } from './user.ts';

/**
 * memfs as a view of the whole tree: it holds no file, every operation is a system call of one user. Its own
 * permission checks ask the real process, so none of them is used. What memfs offers beyond Superblock's operations
 * (watching, snapshots) sees nothing. The view knows the descriptors that it opened itself, so the view of a forked
 * kernel starts with none.
 */
export function createFileSystem(sys: Syscalls): IFs {
  const { fsCore, memfs } = loadMemfs();
  Superblock ??= kernelSuperblock(fsCore);
  return memfs.createFsFromVolume(new memfs.Volume(new Superblock(sys)));
}

/** Made when memfs is first loaded. */
let Superblock: ReturnType<typeof kernelSuperblock> | undefined;

/** The class of memfs's core that makes system calls, with those that it needs. */
function kernelSuperblock(fsCore: FsCore) {
  const StatNode = statNodeClass(fsCore);
  const DescriptorFile = descriptorFileClass(fsCore);
  const calling = nodeErrors(fsCore);

  class KernelSuperblock extends fsCore.Superblock {
    readonly #sys: Syscalls;

    constructor(sys: Syscalls) {
      super({
        process: {
          cwd: () => '/',
          platform: 'linux',
          emitWarning: () => {},
          env: {},
          getuid: () => sys.user.uid,
          getgid: () => sys.user.gid,
        },
      });
      this.#sys = sys;
    }

    /** Every lookup of memfs goes through here. The links it gets are made for it and forgotten. */
    override walk(
      target: string[] | string | Link,
      resolveSymlinks: boolean,
      checkExistence: boolean,
      _checkAccess: boolean,
      syscall = 'stat',
    ): Result<Link | null, StatError> {
      const path =
        typeof target === 'string'
          ? target
          : `/${(target instanceof fsCore.Link ? target.steps : target).join('/')}`;
      try {
        const shown = syscall === 'realpath' ? this.#realPath(path) : path;
        return { ok: true, value: this.#link(shown, resolveSymlinks) };
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        if (!checkExistence && error.code === 'ENOENT') return { ok: true, value: null };
        return { ok: false, err: fsCore.createStatError(error.code, syscall, path) };
      }
    }

    override getFileByFd(fd: number): File {
      const file = super.getFileByFd(fd);
      if (file !== undefined)
        Object.assign(file, { node: this.#node(file.link.getPath(), this.#sys.fstat(fd)) });
      return file;
    }

    protected override openFile(filename: string, flags: number, mode?: number): File {
      const fd = calling('open', filename, () => this.#sys.open(filename, flags, mode));
      const link = this.#detached(filename, this.#node(filename, this.#sys.fstat(fd)));
      const file = new DescriptorFile(this.#sys, filename, link, link.getNode(), flags, fd);
      this.fds[fd] = file;
      return file;
    }

    protected override closeFile(file: File): void {
      delete this.fds[file.fd];
      this.#sys.close(file.fd);
    }

    override readonly unlink = (path: string): void => calling('unlink', path, () => this.#sys.unlink(path));
    override readonly link = (from: string, to: string): void =>
      calling('link', from, () => this.#sys.link(from, to), to);
    override readonly rename = (from: string, to: string): void =>
      calling('rename', from, () => this.#sys.rename(from, to), to);
    override readonly symlink = (target: string, path: string): Link => {
      calling('symlink', target, () => this.#sys.symlink(target, path), path);
      return this.#link(path, false);
    };
    override readonly mkdir = (path: string, mode: number): void =>
      calling('mkdir', path, () => this.#sys.mkdir(path, mode));
    /** Answers the first folder that was made. */
    override readonly mkdirp = (path: string, mode: number): string | undefined => {
      const steps = path.split('/').filter((step) => step !== '');
      const paths = steps.map((_, i) => `/${steps.slice(0, i + 1).join('/')}`);
      const missing = paths.filter((one) => {
        const found = this.walk(one, true, false, false, 'mkdir');
        if (!found.ok) throw found.err.toError();
        if (found.value !== null && one === path && !found.value.getNode().isDirectory())
          throw fsCore.createError('EEXIST', 'mkdir', path);
        return found.value === null;
      });
      for (const one of missing) this.mkdir(one, mode);
      return missing[0];
    };
    override readonly rmdir = (path: string, recursive = false): void => {
      if (recursive) this.rm(path, false, true);
      else calling('rmdir', path, () => this.#sys.rmdir(path));
    };
    override readonly chmod = (path: string, mode: number): void =>
      calling('chmod', path, () => this.#sys.chmod(path, mode));
    override readonly lchmod = this.chmod;
    override readonly chown = (path: string, uid: number, gid: number): void =>
      calling('chown', path, () => this.#sys.chown(path, uid, gid));
    override readonly lchown = (path: string, uid: number, gid: number): void =>
      calling('lchown', path, () => this.#sys.lchown(path, uid, gid));
    override readonly utimes = (path: string, atime: number, mtime: number, follow = true): void => {
      const times = { atime: nanoseconds(atime), mtime: nanoseconds(mtime) };
      if (follow) calling('utime', path, () => this.#sys.utimens(path, times));
      else calling('lutime', path, () => this.#sys.lutimens(path, times));
    };
    override readonly futimes = (fd: number, atime: number, mtime: number): void =>
      calling('futime', '', () =>
        this.#sys.futimens(fd, { atime: nanoseconds(atime), mtime: nanoseconds(mtime) }),
      );

    override readonly rm = (path: string, force = false, recursive = false): void => {
      const found = this.walk(path, false, true, true, 'rm');
      if (!found.ok) {
        if (force && found.err.code === 'ENOENT') return;
        throw found.err.toError();
      }
      if (!found.value?.getNode().isDirectory()) {
        this.unlink(path);
        return;
      }
      if (!recursive) throw fsCore.createError('EISDIR', 'rm', path);
      for (const name of [...found.value.children.keys()]) {
        if (name !== '.' && name !== '..') this.rm(`${path}/${name}`, force, true);
      }
      this.rmdir(path);
    };

    #link(path: string, follow: boolean): Link {
      const stat = this.#sys.stat(path, { follow });
      const link = this.#detached(path, this.#node(path, stat));
      if (isSymlink(stat)) link.getNode().symlink = this.#sys.readlink(path);
      if (!isDirectory(stat)) return link;
      try {
        for (const { name, type } of this.#sys.readdir(path)) {
          if (name !== '.' && name !== '..')
            link.createChild(name, new StatNode({ ino: 0, mode: type << 12 }, () => true));
        }
      } catch (error) {
        if (!(error instanceof KernelError && error.code === 'EACCES')) throw error; // canRead() answers for it
      }
      return link;
    }

    /** A path without links, `.` and `..`. */
    #realPath(path: string): string {
      const fd = this.#sys.open(path, O_PATH);
      try {
        return this.#sys.readlink(`/proc/self/fd/${fd}`);
      } finally {
        this.#sys.close(fd);
      }
    }

    #detached(path: string, node: Node): Link {
      const steps = path.split('/').filter((step) => step !== '');
      const link = new fsCore.Link(this, this.root, steps.at(-1) ?? '');
      link.setNode(node);
      link.steps = ['', ...steps];
      return link;
    }

    #node(path: string, stat: Stat): Node {
      return new StatNode(stat, (wanted) => {
        try {
          this.#sys.access(path, wanted);
          return true;
        } catch (error) {
          if (error instanceof KernelError) return false;
          throw error;
        }
      });
    }
  }

  return KernelSuperblock;
}

const nanoseconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1000)) * 1_000_000n;
