import { utf8 } from '@sevlab/codec/bytes';
import { ERRNO_TEXT, type ErrnoName, KernelError } from '../errno.ts';
import type { Kernel } from '../kernel.ts';
import { BrokenPipe, type Input, type Output, readFrom, WriteError } from './streams.ts';
import type { SystemCalls } from './system-calls.ts';

/**
 * A program of the guest. It gives way whenever it waits for input, and after each page that it read or wrote;
 * whoever started it decides when it goes on, and may end it there.
 */
export type Program = (process: Process) => Run<number>;

/** Why a program gave way: `input` when there was none to take yet, `page` after a page of work. */
export type Turn = 'input' | 'page';

/** Work in turns. */
export type Run<T = void> = Generator<Turn, T, void>;

export interface Process {
  readonly kernel: Kernel;
  /** System calls of the user who runs it, in the directory in which it runs. */
  readonly sys: SystemCalls;
  /** As what it was started, for its messages. */
  readonly name: string;
  readonly args: readonly string[];
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Ends the program with a message on standard error, as error(3) does. */
export class ProgramExit extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.name = 'ProgramExit';
    this.status = status;
  }
}

/** Bytes that a program reads or writes before it gives way. */
export const PAGE = 4096;
/** Bytes that a program asks for at a time. */
const READ_SIZE = 65536;

/** Writes to standard output, a page at a time. */
export function* print(process: Process, output: string | Uint8Array): Run {
  const bytes = typeof output === 'string' ? utf8(output) : output;
  for (let offset = 0; offset < bytes.length; offset += PAGE) {
    process.stdout.write(bytes.subarray(offset, offset + PAGE));
    yield 'page';
  }
}

/** Writes to standard error; that nobody takes it is no error. */
export function complain({ stderr }: Pick<Process, 'stderr'>, text: string): void {
  try {
    stderr.write(utf8(text));
  } catch (error) {
    if (!(error instanceof WriteError || error instanceof BrokenPipe)) throw error;
  }
}

/** A message in the form of error(3): the program's name, and what it is about. */
export const warn = (process: Process, message: string): void =>
  complain(process, `${process.name}: ${message}\n`);

/** What comes next, up to `length` bytes; none at the end. Throws KernelError. */
export function* receive(input: Input, length: number = READ_SIZE): Run<Uint8Array> {
  for (;;) {
    const bytes = input.read(length);
    if (bytes === undefined) {
      yield 'input';
    } else {
      for (let page = 0; page < bytes.length; page += PAGE) yield 'page';
      return bytes;
    }
  }
}

/** A file that is open for reading. */
export interface Source extends Input {
  close(): void;
}

/** Opens a file; `-` is standard input. Throws KernelError. */
export function openSource({ sys, stdin }: Process, path: string): Source {
  if (path === '-') {
    return { terminal: stdin.terminal, read: (length) => stdin.read(length), close: () => {} };
  }
  const fd = sys.open(path);
  return { ...readFrom(sys, fd), close: () => sys.close(fd) };
}

/** Answered by who needs no more of a file. */
export const ENOUGH = 'enough';

/** Does `use` with each part of a file, until it answers ENOUGH. Answers the errno that ended it, or undefined. */
export function* eachPart(
  process: Process,
  path: string,
  use: (part: Uint8Array) => Run<unknown>,
): Run<ErrnoName | undefined> {
  let source: Source;
  try {
    source = openSource(process, path);
  } catch (error) {
    return errnoIn(error);
  }
  try {
    for (;;) {
      let part: Uint8Array;
      try {
        part = yield* receive(source);
      } catch (error) {
        return errnoIn(error);
      }
      if (part.length === 0) return undefined;
      if ((yield* use(part)) === ENOUGH) return undefined;
    }
  } finally {
    source.close();
  }
}

/** Runs system calls; answers the errno that ended them, or undefined. */
export function errnoOf(calls: () => void): ErrnoName | undefined {
  try {
    calls();
    return undefined;
  } catch (error) {
    return errnoIn(error);
  }
}

function errnoIn(error: unknown): ErrnoName {
  if (error instanceof KernelError) return error.code;
  throw error;
}

export const strerror = (code: ErrnoName): string => ERRNO_TEXT[code];
