import { spawnSync } from 'node:child_process';
import { createObserver } from '@sevlab/ambient/observer';
import { bootKernel } from '../src/boot.ts';
import { Pipe } from '../src/coreutils/streams.ts';
import type { Kernel } from '../src/kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '../src/plain-guest.ts';
import { kernelProfile } from '../src/profile.ts';
import { StepCounter } from '../src/shell/limits.ts';
import { runStages } from '../src/shell/pipeline.ts';
import { PROGRAMS } from '../src/shell/programs.ts';
import { Screen } from '../src/shell/screen.ts';
import { hostSystemCalls } from './host-system-calls.ts';

/** What a program wrote, one character a byte, and ended with. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const kernel: Kernel = runPlainGuest(createObserver({ record: false }), (context) => {
  writePlainGuest(context.memory);
  return bootKernel({
    context,
    bootParams: PLAIN_GUEST.bootParams,
    profile: kernelProfile('6.1'),
    observer: createObserver({ record: false }),
  });
});

/** Runs our program on the files of this machine; with `columns`, on a terminal of that width. */
export function runOurs(
  cwd: string,
  [name = '', ...args]: readonly string[],
  { input = new Uint8Array(0), columns }: { readonly input?: Uint8Array; readonly columns?: number } = {},
): Outcome {
  kernel.observer.clock.now = BigInt(Date.now()) * 1_000_000n;
  const stdout = new Screen(columns);
  const stderr = new Screen();
  const stdin = new Pipe();
  stdin.write(input);
  stdin.endWriting();
  const process = { kernel, sys: hostSystemCalls(cwd), name, args, stdin, stdout, stderr };
  const program = PROGRAMS[name];
  if (program === undefined) throw new Error(`there is no program '${name}'`);
  const run = runStages(
    [{ process, run: program.run(process), speaker: '', finish: () => {} }],
    new StepCounter(),
  );
  for (;;) {
    const { done, value } = run.next();
    if (done === true) return { stdout: latin1(stdout.bytes), stderr: latin1(stderr.bytes), status: value };
  }
}

/** Runs the machine's own program; undefined, and told loudly, when it has none. */
export function runTheirs(
  cwd: string,
  [name = '', ...args]: readonly string[],
  input: Uint8Array = new Uint8Array(0),
): Outcome | undefined {
  const { stdout, stderr, status, error } = spawnSync(name, args, {
    cwd,
    input,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
  });
  if (error !== undefined) {
    console.warn(`THIS MACHINE HAS NO ${name}: it is not compared (Debian: coreutils, bsdextrautils, xxd)`);
    return undefined;
  }
  return { stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1'), status: status ?? -1 };
}
