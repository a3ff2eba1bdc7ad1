import { complain, type Process, ProgramExit, type Run, strerror, type Turn } from '../coreutils/program.ts';
import { BrokenPipe, WriteError } from '../coreutils/streams.ts';
import { BROKEN_PIPE_STATUS, type StepCounter } from './limits.ts';

/** A program of a pipeline that runs. */
export interface Stage {
  readonly process: Process;
  readonly run: Run<number>;
  /** In front of its name when a write fails: the shell speaks for what is part of it. */
  readonly speaker: string;
  /** Closes its files and its ends of pipes; once. */
  readonly finish: () => void;
}

/**
 * Runs programs by turns until all have ended. A writer whose reader is behind waits. Answers the exit status of the
 * last. Gives way with `input` when nobody can go on before somebody types.
 */
export function* runStages(stages: readonly Stage[], steps: StepCounter): Run<number> {
  const alive = new Set(stages);
  const statuses = new Map<Stage, number>();
  try {
    while (alive.size > 0) {
      let progress = false;
      for (const stage of alive) {
        if (stage.process.stdout.full) continue;
        steps.count();
        const turn = takeTurn(stage);
        if (typeof turn === 'number') {
          alive.delete(stage);
          statuses.set(stage, turn);
          stage.finish();
        }
        progress ||= turn !== 'input';
      }
      if (alive.size > 0) yield progress ? 'page' : 'input';
    }
  } finally {
    for (const stage of alive) {
      stage.run.return(0); // so that it closes what it opened
      stage.finish();
    }
  }
  return statuses.get(stages.at(-1)!) ?? 0;
}

/** One turn of a program: why it gave way, or its exit status. */
function takeTurn({ process, run, speaker }: Stage): Turn | number {
  try {
    return run.next().value;
  } catch (error) {
    if (error instanceof ProgramExit) {
      complain(process, error.message);
      return error.status;
    }
    if (error instanceof WriteError) {
      complain(process, `${speaker}${process.name}: write error: ${strerror(error.code)}\n`);
      return 1;
    }
    if (error instanceof BrokenPipe) return BROKEN_PIPE_STATUS;
    throw error;
  }
}
