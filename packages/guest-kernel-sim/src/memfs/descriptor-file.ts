import type { Link, Node } from '@jsonjoy.com/fs-core';
import { concat } from '@sevlab/codec/bytes';
import type { Syscalls } from '../syscalls.ts';
import { type FsCore, nodeErrors } from './fs-core.ts';

/** The class of memfs's open files that make system calls. */
export function descriptorFileClass(fsCore: FsCore) {
  const calling = nodeErrors(fsCore);
  /** An open descriptor of the kernel. */
  return class DescriptorFile extends fsCore.File {
    readonly #sys: Syscalls;
    readonly #path: string;

    constructor(sys: Syscalls, path: string, link: Link, node: Node, flags: number, fd: number) {
      super(link, node, flags, fd);
      this.#sys = sys;
      this.#path = path;
    }

    /** A buffer of its own: one out of Node's pool would keep the bytes after everybody forgot them. */
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
        const { buffer, byteOffset, length } = concat(...parts);
        return Buffer.from(buffer, byteOffset, length);
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

    override write(
      buffer: Uint8Array,
      offset = 0,
      length: number = buffer.length,
      position?: number,
    ): number {
      const data = buffer.subarray(offset, offset + length);
      return calling('write', this.#path, () =>
        position === undefined ? this.#sys.write(this.fd, data) : this.#sys.pwrite(this.fd, data, position),
      );
    }

    override truncate(length = 0): void {
      calling('ftruncate', this.#path, () => this.#sys.ftruncate(this.fd, length));
    }
    override chmod(mode: number): void {
      calling('fchmod', this.#path, () => this.#sys.fchmod(this.fd, mode));
    }
    override chown(uid: number, gid: number): void {
      calling('fchown', this.#path, () => this.#sys.fchown(this.fd, uid, gid));
    }
  };
}
