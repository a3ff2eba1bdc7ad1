import { Pipe } from './coreutils/streams.ts';
import type { Kernel } from './kernel.ts';
import { startJob } from './shell/job.ts';
import { Screen } from './shell/screen.ts';
import { createSession, type Session } from './shell/session.ts';

export interface ShellResult {
  /** What the terminal shows: standard output and error in order, as UTF-8 text. */
  readonly output: string;
  /** The same as bytes: a secret need not be text. */
  readonly bytes: Uint8Array;
  /** Exit status. */
  readonly status: number;
}

/**
 * Runs one command line to its end, by root in his home unless a session is given, with nothing to read and without a
 * terminal. Typing takes `clock.perCommand` of virtual time. One event.
 */
export function runShell(
  kernel: Kernel,
  commandLine: string,
  session: Session = createSession(),
): ShellResult {
  const screen = new Screen();
  const { work } = startJob(kernel, session, commandLine, {
    stdin: Pipe.empty(),
    screen,
    interactive: false,
  });
  for (;;) {
    const { done, value } = work.next();
    if (done !== true) continue;
    const { bytes } = screen;
    return { output: new TextDecoder().decode(bytes), bytes, status: value };
  }
}
