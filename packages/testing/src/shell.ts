import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { runShell } from '@sevlab/guest-kernel-sim/shell';
import { createSession } from '@sevlab/guest-kernel-sim/shell/session';
import { accountOf } from '@sevlab/lab/scenario/account';

/** Who types. */
export interface ShellOptions {
  /** An account of the guest: `user`, or `auditor` of group root; otherwise root. */
  readonly as?: string;
}

/** What a command came to. */
export interface ShellAnswer {
  /** Standard output and error in order, as UTF-8 text. */
  readonly output: string;
  /** Exit status. */
  readonly status: number;
}

/** @internal Throws ScenarioError for an account that the guest does not have. */
export const typeIn = (kernel: Kernel, command: string, { as }: ShellOptions = {}): ShellAnswer =>
  runShell(kernel, command, as === undefined ? undefined : createSession(accountOf(kernel, as)));
