import type { ErrnoName } from '../errno.ts';
import { ERRNO_TEXT, KernelError } from '../errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Syscalls } from '../syscalls.ts';

/** A program of the guest, as the shell starts it. */
export type Command = (invocation: Invocation) => CommandResult;

export interface Invocation {
  readonly kernel: Kernel;
  /** System calls of the user who runs it. */
  readonly sys: Syscalls;
  readonly args: readonly string[];
}

export interface CommandResult {
  /** Standard output and error in the order in which they were written. */
  readonly output: string | Uint8Array;
  /** Exit status. */
  readonly status: number;
}

/** Options and operands of a command line; options may be joined, `--` ends them. */
export interface Arguments {
  readonly options: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/** getopt(3) with single letters. Answers the message and status of coreutils for a letter not in `known`. */
export function parseArguments(
  name: string,
  args: readonly string[],
  known: string,
  status = 1,
): Arguments | CommandResult {
  const end = args.indexOf('--');
  const before = end === -1 ? args : args.slice(0, end);
  const dashed = before.filter((arg) => arg.startsWith('-') && arg !== '-');
  const operands = [
    ...before.filter((arg) => !arg.startsWith('-') || arg === '-'),
    ...(end === -1 ? [] : args.slice(end + 1)),
  ];
  const hint = `Try '${name} --help' for more information.\n`;
  const long = dashed.find((arg) => arg.startsWith('--'));
  if (long !== undefined) return { output: `${name}: unrecognized option '${long}'\n${hint}`, status };
  const letters = dashed.flatMap((arg) => [...arg.slice(1)]);
  const unknown = letters.find((letter) => !known.includes(letter));
  if (unknown !== undefined) return { output: `${name}: invalid option -- '${unknown}'\n${hint}`, status };
  return { options: new Set(letters), operands };
}

export const isResult = (parsed: Arguments | CommandResult): parsed is CommandResult => 'status' in parsed;

/** Runs system calls; answers the errno that ended them, or undefined. */
export function errnoOf(calls: () => void): ErrnoName | undefined {
  try {
    calls();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

export const strerror = (code: ErrnoName): string => ERRNO_TEXT[code];
