import { concat } from '@sevlab/codec/bytes';
import { KernelError } from './errno.ts';
import type { RunningKernel } from './running-kernel.ts';
import { absolute } from './syscalls/paths.ts';
import { SYSTEM_CALLS, type SystemCall } from './syscalls/table.ts';
import { ROOT, type User } from './user.ts';
import { type Caller, createCaller } from './vfs/caller.ts';
import type { OpenFile } from './vfs/open-file.ts';
import { exists } from './vfs/place.ts';
import { walk } from './vfs/walk.ts';

export type { NodeType } from './syscalls/names.ts';
export type { Stat } from './syscalls/status.ts';
export type { Dirent } from './vfs/file-system.ts';

type Bound<T> = {
  readonly [K in keyof T]: T[K] extends SystemCall<infer A, infer R> ? (...args: A) => R : never;
};

/**
 * System calls of one process, each with the checks of the function that it names, in their order; every one throws
 * KernelError. A call that comes to securityfs is one event.
 */
export interface Syscalls extends Bound<typeof SYSTEM_CALLS> {
  readonly user: User;
  /** The whole content, by open, read until the end, and close. */
  readFile(path: string): Uint8Array;
}

/** Bytes that readFile() asks for at a time. */
const CHUNK = 65_536;

/** What does not come from the table of system calls; what does is added below. */
class Process {
  readonly call: Caller;

  constructor(call: Caller) {
    this.call = call;
  }

  get user(): User {
    return this.call.user;
  }

  readFile(this: Syscalls, path: string): Uint8Array {
    const fd = this.open(path);
    try {
      const parts: Uint8Array[] = [];
      for (;;) {
        const part = this.read(fd, CHUNK);
        if (part.length === 0) return concat(...parts);
        parts.push(part);
      }
    } finally {
      this.close(fd);
    }
  }
}

// once: were they made with each process, each would have a hidden class of its own
Object.assign(
  Process.prototype,
  Object.fromEntries(
    Object.entries(SYSTEM_CALLS).map(([key, entry]) => [
      key,
      function (this: Process, ...args: never[]) {
        return perform(this.call, entry, args);
      },
    ]),
  ),
);

/** A process of that user, in that directory; when there is none, relative paths lead nowhere. */
export function createSyscalls(kernel: RunningKernel, user: User, cwd: string): Syscalls {
  const call = createCaller(kernel, user);
  call.cwd = directoryOrNothing(call, cwd);
  return new Process(call) as Process & Syscalls; // the prototype has them all
}

function directoryOrNothing(call: Caller, path: string) {
  try {
    return walk({ ...call, user: ROOT }, path).place; // whoever started it could enter
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

/** The call with its process, observed. */
function perform(call: Caller, entry: SystemCall<never[], unknown>, args: never[]): unknown {
  const { files } = call.kernel.state;
  // where a process was started does not hold the directory as chdir() does
  if (call.cwd !== undefined && !exists(call.kernel, call.cwd)) call.cwd = undefined;
  const [first, second]: readonly unknown[] = args;
  const file = entry.about === 'descriptor' && typeof first === 'number' ? files.get(first) : undefined;
  const path = entry.about === 'first path' ? first : entry.about === 'second path' ? second : undefined;
  call.reachedSecurityFs = file?.dentry.place.fs === 'securityfs';
  const subject = (): string => subjectOf(call, file, path);
  let result: unknown;
  try {
    result = entry.run(call, ...args);
  } catch (error) {
    if (error instanceof KernelError) observe(call, entry.name, subject, error);
    throw error;
  }
  observe(call, entry.name, subject, result);
  return result;
}

const subjectOf = (call: Caller, file: OpenFile | undefined, path: unknown): string =>
  file?.path ?? (typeof path === 'string' ? absolute(call, path) : '');

/** One event for one call: its value, or the name of its errno. */
function observe(
  { kernel, reachedSecurityFs }: Caller,
  name: string,
  subject: () => string,
  result: unknown,
): void {
  if (!reachedSecurityFs) return;
  kernel.observer.observe('user', 'kernel', () => ({
    type: 'syscall',
    name,
    path: subject(),
    result: resultOf(result),
    ...(result instanceof Uint8Array && { closed: { data: result.slice() } }),
  }));
}

function resultOf(result: unknown): number | string {
  if (result instanceof KernelError) return `-${result.code}`;
  if (result instanceof Uint8Array) return result.length;
  return typeof result === 'number' ? result : 0;
}
