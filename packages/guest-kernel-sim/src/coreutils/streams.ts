import { concat } from '@sevlab/codec/bytes';
import { type ErrnoName, KernelError } from '../errno.ts';
import type { SystemCalls } from './system-calls.ts';

/** What a program reads from. */
export interface Input {
  /** Somebody types here. */
  readonly terminal: boolean;
  /** Up to `length` bytes; none at the end; undefined as long as one has to wait. Throws KernelError. */
  read(length: number): Uint8Array | undefined;
}

/** What a program writes to. */
export interface Output {
  /** Width of a terminal in columns; undefined where nobody looks. */
  readonly columns: number | undefined;
  /** The reader is behind, and a writer waits. */
  readonly full: boolean;
  /** Throws WriteError or BrokenPipe. */
  write(bytes: Uint8Array): void;
}

/** A system call that refused the bytes. */
export class WriteError extends Error {
  readonly code: ErrnoName;

  constructor(code: ErrnoName) {
    super(`write: ${code}`);
    this.name = 'WriteError';
    this.code = code;
  }
}

/** Nobody reads the pipe any more: SIGPIPE ends the writer. */
export class BrokenPipe extends Error {
  constructor() {
    super('nobody reads the pipe any more');
    this.name = 'BrokenPipe';
  }
}

/** Bytes that a pipe holds before its writer waits (pipe(7)). */
const PIPE_CAPACITY = 65536;

/** The two ends of a pipe, and what is on its way. */
export class Pipe implements Input, Output {
  readonly terminal: boolean;
  readonly columns = undefined;
  #bytes = new Uint8Array(0);
  #written = true;
  #read = true;

  constructor({ terminal = false } = {}) {
    this.terminal = terminal;
  }

  /** A pipe from which nothing will come. */
  static empty(): Pipe {
    const pipe = new Pipe();
    pipe.endWriting();
    return pipe;
  }

  get full(): boolean {
    return this.#read && this.#bytes.length >= PIPE_CAPACITY;
  }

  write(bytes: Uint8Array): void {
    if (!this.#read) throw new BrokenPipe();
    this.#bytes = new Uint8Array(concat(this.#bytes, bytes));
  }

  read(length: number): Uint8Array | undefined {
    if (this.#bytes.length === 0 && this.#written) return undefined;
    const bytes = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    return bytes;
  }

  /** The last writer is gone: after what is on its way comes the end. */
  endWriting(): void {
    this.#written = false;
  }

  /** The last reader is gone. */
  endReading(): void {
    this.#read = false;
    this.#bytes = new Uint8Array(0);
  }
}

export const readFrom = (sys: SystemCalls, fd: number): Input => ({
  terminal: false,
  read: (length) => sys.read(fd, length),
});

export const writeTo = (sys: SystemCalls, fd: number): Output => ({
  columns: undefined,
  full: false,
  write: (bytes) => {
    try {
      sys.write(fd, bytes);
    } catch (error) {
      if (error instanceof KernelError) throw new WriteError(error.code);
      throw error;
    }
  },
});
