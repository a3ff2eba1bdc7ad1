import type { File, Link, Node, Result, StatError } from '@jsonjoy.com/fs-core';
import type { IFs } from 'memfs';
import { KernelError } from './errno.ts';
import loadMemfs from './load-memfs.cjs';
import type { Stat, Syscalls } from './syscalls.ts';
import { MAY_EXEC, MAY_READ, MAY_WRITE, S_IFDIR, S_IFLNK, S_IFREG } from './user.ts';

/**
 * memfs as a view: it holds no file, every operation is a system call of one user. Its own permission checks ask
 * the real process, so none of them is used. What memfs offers beyond Superblock's operations (watching, snapshots)
 * sees nothing. The view knows the descriptors that it opened itself, so the view of a forked kernel starts with none.
 */
export function createFileSystem(sys: Syscalls): IFs {
  const { fsCore, memfs } = loadMemfs();
  const Superblock = kernelSuperblock(fsCore);
  return memfs.createFsFromVolume(new memfs.Volume(new Superblock(sys)));
}

type FsCore = ReturnType<typeof loadMemfs>['fsCore'];

/** The class of memfs's core that makes system calls, with those that it needs. */
function kernelSuperblock(fsCore: FsCore) {
  /** An inode as stat(2) showed it. memfs moves times and link counts when names come and go; here only the kernel does. */
  class StatNode extends fsCore.Node {
    readonly #stat: Pick<Stat, 'ino' | 'mode'> & Partial<Stat>;
    readonly #access: (wanted: number) => boolean;

    constructor(stat: Pick<Stat, 'ino' | 'mode'> & Partial<Stat>, access: (wanted: number) => boolean) {
      super(stat.ino, stat.mode, stat.uid ?? 0, stat.gid ?? 0);
      this.#stat = stat;
      this.#access = access;
    }

    override get nlink(): number {
      return this.#stat.nlink ?? 1;
    }
    override set nlink(_: number) {}
    override get atime(): Date {
      return dateOf(this.#stat.atime);
    }
    override set atime(_: Date) {}
    override get mtime(): Date {
      return dateOf(this.#stat.mtime);
    }
    override set mtime(_: Date) {}
    override get ctime(): Date {
      return dateOf(this.#stat.ctime);
    }
    override set ctime(_: Date) {}
    /** securityfs knows no time of birth. */
    override get btime(): Date {
      return this.ctime;
    }
    override set btime(_: Date) {}

    override getSize(): number {
      return this.#stat.size ?? 0;
    }
    override canRead(): boolean {
      return this.#access(MAY_READ);
    }
    override canWrite(): boolean {
      return this.#access(MAY_WRITE);
    }
    override canExecute(): boolean {
      return this.#access(MAY_EXEC);
    }
  }

  /** An open descriptor of the kernel. */
  class DescriptorFile extends fsCore.File {
    readonly #sys: Syscalls;
    readonly #path: string;

    constructor(sys: Syscalls, path: string, link: Link, node: Node, flags: number, fd: number) {
      super(link, node, flags, fd);
      this.#sys = sys;
      this.#path = path;
    }

    override getBuffer(): Buffer {
      return calling('read', this.#path, () => {
        const parts: Uint8Array[] = [];
        for (
          let part = this.#sys.read(this.fd, 65536);
          part.length > 0;
          part = this.#sys.read(this.fd, 65536)
        ) {
          parts.push(part);
        }
        return Buffer.concat(parts);
      });
    }

    override read(
      buffer: ArrayBufferView,
      offset = 0,
      length = buffer.byteLength,
      position?: number,
    ): number {
      const part = calling('read', this.#path, () =>
        position === undefined ? this.#sys.read(this.fd, length) : this.#sys.pread(this.fd, length, position),
      );
      new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).set(part, offset);
      return part.length;
    }

    override write(buffer: Uint8Array, offset = 0, length: number = buffer.length): number {
      return calling('write', this.#path, () =>
        this.#sys.write(this.fd, buffer.subarray(offset, offset + length)),
      );
    }

    override truncate(length = 0): void {
      calling('ftruncate', this.#path, () => this.#sys.ftruncate(this.fd, length));
    }
    override chmod(mode: number): void {
      calling('fchmod', this.#path, () => this.#sys.chmod(this.#path, mode));
    }
    override chown(uid: number, gid: number): void {
      calling('fchown', this.#path, () => this.#sys.chown(this.#path, uid, gid));
    }
  }

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
      _resolveSymlinks: boolean,
      checkExistence: boolean,
      _checkAccess: boolean,
      syscall = 'stat',
    ): Result<Link | null, StatError> {
      const path =
        typeof target === 'string'
          ? target
          : `/${(target instanceof fsCore.Link ? target.steps : target).join('/')}`;
      try {
        return { ok: true, value: this.#link(path) };
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

    protected override openFile(filename: string, flags: number): File {
      const fd = calling('open', filename, () => this.#sys.open(filename, flags));
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
      return this.#link(path);
    };
    override readonly mkdir = (path: string): void => calling('mkdir', path, () => this.#sys.mkdir(path));
    override readonly mkdirp = (path: string): undefined => {
      const steps = path.split('/').filter((step) => step !== '');
      const paths = steps.map((_, i) => `/${steps.slice(0, i + 1).join('/')}`);
      const missing = paths.find((one) => {
        const found = this.walk(one, false, false, false);
        return found.ok && found.value === null;
      });
      if (missing !== undefined) this.mkdir(missing); // the first fails, so no other is tried
    };
    override readonly rmdir = (path: string): void => calling('rmdir', path, () => this.#sys.rmdir(path));
    override readonly chmod = (path: string, mode: number): void =>
      calling('chmod', path, () => this.#sys.chmod(path, mode));
    override readonly lchmod = this.chmod;
    override readonly chown = (path: string, uid: number, gid: number): void =>
      calling('chown', path, () => this.#sys.chown(path, uid, gid));
    override readonly lchown = this.chown;
    override readonly utimes = (path: string, atime: number, mtime: number): void =>
      calling('utime', path, () =>
        this.#sys.utimens(path, { atime: nanoseconds(atime), mtime: nanoseconds(mtime) }),
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

    #link(path: string): Link {
      const stat = this.#sys.stat(path);
      const link = this.#detached(path, this.#node(path, stat));
      if ((stat.mode & S_IFDIR) === 0) return link;
      try {
        for (const { name, type } of this.#sys.readdir(path)) {
          const mode = type === 4 ? S_IFDIR : type === 10 ? S_IFLNK : S_IFREG;
          if (name !== '.' && name !== '..')
            link.createChild(name, new StatNode({ ino: 0, mode }, () => true));
        }
      } catch (error) {
        if (!(error instanceof KernelError && error.code === 'EACCES')) throw error; // canRead() answers for it
      }
      return link;
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

  /** An errno leaves as the error that Node's fs throws. */
  function calling<T>(syscall: string, path: string, call: () => T, dest?: string): T {
    try {
      return call();
    } catch (error) {
      if (error instanceof KernelError) throw fsCore.createError(error.code, syscall, path, dest);
      throw error;
    }
  }

  return KernelSuperblock;
}

const dateOf = (nanoseconds: bigint = 0n): Date => new Date(Number(nanoseconds / 1_000_000n));

const nanoseconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1000)) * 1_000_000n;
