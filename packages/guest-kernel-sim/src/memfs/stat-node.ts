import type { Stat } from '../syscalls.ts';
import { MAY_EXEC, MAY_READ, MAY_WRITE } from '../user.ts';
import type { FsCore } from './fs-core.ts';

/** The class of nodes that show what stat(2) told. */
export function statNodeClass(fsCore: FsCore) {
  /** An inode as stat(2) showed it. memfs moves times and link counts when names come and go; here only the kernel does. */
  return class StatNode extends fsCore.Node {
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
  };
}

const dateOf = (nanoseconds: bigint = 0n): Date => new Date(Number(nanoseconds / 1_000_000n));
