import { utf8 } from '@sevlab/codec/bytes';
import type { Run } from '../coreutils/program.ts';
import type { Input } from '../coreutils/streams.ts';
import type { Kernel } from '../kernel.ts';
import { INTERRUPTED_STATUS, LimitReached, STOPPED_STATUS, StepCounter } from './limits.ts';
import { runLine } from './run-line.ts';
import type { Screen } from './screen.ts';
import type { Session } from './session.ts';

/** A command line that was typed. Its work goes on as long as somebody takes its turns. */
export interface Job {
  readonly work: Run<number>;
  readonly screen: Screen;
  readonly steps: StepCounter;
}

/**
 * Starts a command line. Typing it takes `clock.perCommand` of virtual time. One event when it ends, also when it is
 * ended from outside by `work.return()`.
 */
export function startJob(
  kernel: Kernel,
  session: Session,
  line: string,
  io: { readonly stdin: Input; readonly screen: Screen; readonly interactive: boolean },
): Job {
  const steps = new StepCounter();
  const { stdin, screen, interactive } = io;
  const shell = { kernel, session, stdin, stdout: screen, stderr: screen, steps, interactive, alone: true };
  return { screen, steps, work: observed() };

  function* observed(): Run<number> {
    const { clock } = kernel.observer;
    clock.now += clock.perCommand;
    let status: number = INTERRUPTED_STATUS;
    try {
      status = yield* runLine(shell, line);
      return status;
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error;
      screen.tell(utf8(`sevlab: stopped: ${error.message}\n`));
      status = STOPPED_STATUS;
      return status;
    } finally {
      if (session.ended === undefined) session.status = status;
      kernel.observer.observe('user', 'kernel', () => ({
        type: 'shell',
        command: line,
        status,
        closed: { output: screen.bytes },
      }));
    }
  }
}
