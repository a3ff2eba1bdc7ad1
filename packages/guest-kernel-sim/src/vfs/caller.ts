import type { RunningKernel } from '../running-kernel.ts';
import type { User } from '../user.ts';
import type { Place } from './file-system.ts';

/** The process that makes a system call. */
export interface Caller {
  readonly kernel: RunningKernel;
  /** Its effective user, who is asked for permission. */
  user: User;
  /** The user that it was started by, who it can become again. */
  readonly started: User;
  /** Where relative paths start; undefined when there is no such directory. */
  cwd: Place | undefined;
  /** Its number, once it holds its working directory. */
  pid: number | undefined;
  /** Permissions that a new file does not get. */
  umask: number;
  /** Whether the call that is being made came to securityfs: then it is an event. */
  reachedSecurityFs: boolean;
}

/** What init leaves to the processes that it starts. */
export const UMASK = 0o022;

export const createCaller = (kernel: RunningKernel, user: User): Caller => ({
  kernel,
  user,
  started: user,
  cwd: undefined,
  pid: undefined,
  umask: UMASK,
  reachedSecurityFs: false,
});

/** Nanoseconds since 1970. */
export const timeOf = ({ observer }: RunningKernel): bigint => observer.clock.now;
