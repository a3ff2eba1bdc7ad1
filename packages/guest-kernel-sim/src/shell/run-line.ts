import { complain, errnoOf, type Process, print, type Run, strerror } from '../coreutils/program.ts';
import { type Input, type Output, Pipe, readFrom, writeTo } from '../coreutils/streams.ts';
import type { SystemCalls } from '../coreutils/system-calls.ts';
import type { Kernel } from '../kernel.ts';
import { O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from '../open-flags.ts';
import { isDirectory } from '../user.ts';
import { BUILTINS } from './builtins.ts';
import {
  type Pipeline,
  parseCommandLine,
  type Redirection,
  type SimpleCommand,
  SyntaxRefusal,
} from './command-line.ts';
import { expandWord } from './expand.ts';
import type { StepCounter } from './limits.ts';
import { runStages, type Stage } from './pipeline.ts';
import { PROGRAMS, type ProgramEntry } from './programs.ts';
import { currentLogin, type Session } from './session.ts';

/** A shell that runs a command line. */
export interface Shell {
  readonly kernel: Kernel;
  readonly session: Session;
  /** Somebody sees what it says. */
  readonly interactive: boolean;
  /** The command has the line for itself. */
  readonly alone: boolean;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly steps: StepCounter;
}

/** Runs a command line of bash's, as far as it is modelled. Answers its exit status, which is in the session too. */
export function* runLine(shell: Shell, line: string): Run<number> {
  const { session } = shell;
  const login = currentLogin(session);
  const list = parse(shell, line);
  if (list === undefined) {
    session.status = 2;
    return 2;
  }
  for (const pipeline of list) {
    const { when } = pipeline;
    if (when !== 'always' && (when === 'success') !== (session.status === 0)) continue;
    const alone = shell.alone && list.length === 1 && pipeline.commands.length === 1;
    const status = yield* runPipeline({ ...shell, alone }, pipeline);
    if (session.ended !== undefined || currentLogin(session) !== login) return status;
    session.status = status;
  }
  return session.status;
}

function parse({ stderr }: Shell, line: string): Pipeline[] | undefined {
  try {
    return parseCommandLine(line);
  } catch (error) {
    if (!(error instanceof SyntaxRefusal)) throw error;
    complain({ stderr }, `${error.message}\n`);
    return undefined;
  }
}

/** Commands of a pipeline change a copy of the session, as subshells do. */
function* runPipeline(shell: Shell, { commands }: Pipeline): Run<number> {
  const pipes = commands.slice(1).map(() => new Pipe());
  const { account, cwd } = currentLogin(shell.session);
  const expanded = commands.map((command) =>
    expandCommand(shell.kernel.as(account, cwd), shell.session, command),
  );
  const stages = expanded.map((command, i) => {
    const input = pipes[i - 1];
    const output = pipes[i];
    const stdin = input ?? shell.stdin;
    const stdout = output ?? shell.stdout;
    const session = commands.length > 1 ? structuredClone(shell.session) : shell.session;
    return startCommand({ ...shell, session, stdin, stdout }, command, () => {
      input?.endReading();
      output?.endWriting();
    });
  });
  return yield* runStages(stages, shell.steps);
}

/** A command after expansion, which comes before any file is opened. */
interface ExpandedCommand {
  readonly sys: SystemCalls;
  readonly words: readonly string[];
  /** Each with the words that its target became. */
  readonly redirections: readonly (readonly [Redirection, readonly string[]])[];
}

/** Throws LimitReached. */
const expandCommand = (
  sys: SystemCalls,
  session: Session,
  { words, redirections }: SimpleCommand,
): ExpandedCommand => ({
  sys,
  words: words.flatMap((word) => expandWord(sys, session, word)),
  redirections: redirections.map((one) => [one, expandWord(sys, session, one.target)]),
});

/** Opens files; then the program is ready for its first turn. */
function startCommand(shell: Shell, command: ExpandedCommand, closePipes: () => void): Stage {
  const { kernel } = shell;
  const { sys } = command;
  const [name = '', ...args] = command.words;
  const opened: number[] = [];
  const finish = (): void => {
    for (const fd of opened) sys.close(fd);
    closePipes();
  };
  const streams = { stdin: shell.stdin, stdout: shell.stdout, stderr: shell.stderr };
  const process = (): Process => ({ kernel, sys, name, args, ...streams });
  for (const [redirection, target] of command.redirections) {
    const problem = redirect(sys, redirection, target, { streams, opened });
    if (problem !== undefined) {
      const { stderr } = streams;
      complain({ stderr }, `bash: ${problem}\n`);
      return { process: process(), run: ending(1), speaker: 'bash: ', finish };
    }
  }
  return { process: process(), finish, ...find(shell, process(), command.words.length > 0) };
}

interface Streams {
  stdin: Input;
  stdout: Output;
  stderr: Output;
}

/** Changes one of the streams. Answers what is wrong with its target. */
function redirect(
  sys: SystemCalls,
  { fd, kind, target }: Redirection,
  [path = '', ...others]: readonly string[],
  { streams, opened }: { readonly streams: Streams; readonly opened: number[] },
): string | undefined {
  if (others.length > 0) return `${target.map(({ text }) => text).join('')}: ambiguous redirect`;
  if (kind === 'duplicate') {
    const output = path === '1' ? streams.stdout : streams.stderr;
    if (fd === 1) streams.stdout = output;
    else streams.stderr = output;
    return undefined;
  }
  const flags = {
    read: O_RDONLY,
    write: O_WRONLY | O_CREAT | O_TRUNC,
    append: O_WRONLY | O_CREAT | O_APPEND,
  };
  let file = -1;
  const error = errnoOf(() => {
    file = sys.open(path, flags[kind]);
  });
  if (error !== undefined) return `${path}: ${strerror(error)}`;
  opened.push(file);
  if (kind === 'read') streams.stdin = readFrom(sys, file);
  else if (fd === 1) streams.stdout = writeTo(sys, file);
  else streams.stderr = writeTo(sys, file);
  return undefined;
}

/** Where programs lie; a name with one of these in front is the name alone. */
const PROGRAM_FOLDERS = /^\/(usr\/)?s?bin\//;

function find(shell: Shell, process: Process, named: boolean): Pick<Stage, 'run' | 'speaker'> {
  const { name, args, sys } = process;
  const speaker = 'bash: ';
  if (!named) return { run: ending(0), speaker };
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (builtin !== undefined) return { run: builtin(process, shell), speaker };
  const file = name.replace(PROGRAM_FOLDERS, '');
  const program = Object.hasOwn(PROGRAMS, file) ? PROGRAMS[file] : undefined;
  if (program !== undefined) {
    const started = { ...process, name: file };
    return { run: args.includes('--help') ? tellUsage(started, program) : program.run(started), speaker: '' };
  }
  complain(process, `bash: ${name}: ${whyNot(sys, name)}\n`);
  return { run: ending(name.includes('/') && isThere(sys, name) ? 126 : 127), speaker };
}

function whyNot(sys: SystemCalls, name: string): string {
  if (!name.includes('/')) return 'command not found';
  let directory = false;
  const error = errnoOf(() => {
    directory = isDirectory(sys.stat(name));
  });
  return strerror(error ?? (directory ? 'EISDIR' : 'EACCES'));
}

const isThere = (sys: SystemCalls, path: string): boolean => errnoOf(() => sys.stat(path)) === undefined;

/** DEVIATION: a program's own help is longer. */
function* tellUsage(process: Process, { usage }: ProgramEntry): Run<number> {
  yield* print(process, `Usage: ${process.name} ${usage}`.trimEnd());
  yield* print(process, '\n');
  return 0;
}

// biome-ignore lint/correctness/useYield: it has ended before it started
function* ending(status: number): Run<number> {
  return status;
}
