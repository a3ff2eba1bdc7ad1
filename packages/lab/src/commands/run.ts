import { KERNEL_PROFILES, kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import type { Command } from 'commander';
import { loadScenario } from '../scenario/load.ts';
import { runScenario, type ScenarioRun, type StepResult } from '../scenario/run.ts';
import type { Step } from '../scenario/scenario.ts';
import { setupOf } from '../scenario/setup.ts';
import { describeScenarioError, ScenarioError } from '../scenario/values.ts';
import { systemReason } from '../system-reason.ts';
import { traceText } from '../trace-file.ts';
import { CommandError, EXIT, type ExitCode } from './exit.ts';
import { print, writeOutput } from './output.ts';

export interface RunOptions {
  readonly seed?: string;
  readonly linux?: string;
  readonly trace?: string;
  readonly reveal?: boolean;
  readonly json?: boolean;
}

/** The options of every command that runs a scenario. */
export const addRunOptions = (command: Command): Command =>
  command
    .option('--seed <text>', 'another seed than the scenario’s: other keys, other bytes')
    .option('--linux <version>', `emulated kernel: ${KERNEL_PROFILES.join(', ')}`)
    .option('--trace <file>', 'write the trace there, JSON Lines')
    .option('--reveal', 'write secrets, keys and private memory into the trace too')
    .option('--json', 'JSON Lines: one document per step');

type Validate = typeof import('../scenario/validate.ts').validateScenario;

/** Runs a scenario file and writes its trace. Throws CommandError. */
function runFile(file: string, options: RunOptions, validate: Validate): ScenarioRun {
  try {
    const { scenario: loaded, placeOf } = loadScenario(file);
    const scenario = validate(loaded, placeOf);
    const { setup, secrets } = setupOf(scenario, file, {
      record: true,
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(options.linux !== undefined && { linux: options.linux }),
    });
    const run = runScenario(scenario, file, setup, secrets);
    if (options.trace !== undefined) {
      const reveal = options.reveal ?? false;
      writeOutput(
        options.trace,
        traceText(run.pipeline, { command: 'run', scenario: scenario.title, reveal }),
      );
    }
    return run;
  } catch (error) {
    if (error instanceof ScenarioError)
      throw new CommandError(EXIT.configuration, describeScenarioError(file, error));
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandError(EXIT.usage, `${file}: ${systemReason(error)}; expected a file that can be read`);
    }
    throw error;
  }
}

/** `shell: ls -la`: what a step is, in one line. The bytes that a check looks for may be a secret, and stay out. */
export function describeStep(step: Step): string {
  if ('do' in step) return step.at === undefined ? step.do : `${step.do} at ${step.at}`;
  if ('shell' in step) return `shell: ${step.shell}`;
  if ('attack' in step) return `attack: ${JSON.stringify(step.attack)}`;
  const [[kind, what]] = Object.entries(step.check) as [[string, object | string]]; // a check has one key
  const place = typeof what === 'string' ? what : 'guid' in what ? what.guid : 'gpa' in what ? what.gpa : '';
  return `check: ${kind} ${place}`.trimEnd();
}

/** One step's result as JSON. What a command printed is left out when it holds a secret and nobody asked for it. */
export const resultJson = (result: StepResult, reveal: boolean) => ({
  step: describeStep(result.step),
  held: result.finding?.held ?? null,
  ...(result.secret && !reveal
    ? { expected: null, actual: null, output: null, withheld: true }
    : {
        expected: result.finding?.expected ?? null,
        actual: result.finding?.actual ?? null,
        output: result.output ?? null,
      }),
});

/** What a step should have given and what it gave; whole screens stand on lines of their own. */
export function describeDeviation(
  file: string,
  { step, finding, secret }: StepResult,
  reveal: boolean,
): string {
  const where = `${file}: ${describeStep(step)}`;
  if (secret && !reveal) return `${where}: expected other output than came; it holds a secret; try --reveal`;
  const [expected, actual] = [finding?.expected ?? '', finding?.actual ?? ''];
  const screens = expected.includes('\n') || actual.includes('\n');
  return `${where}: expected ${expected}${screens ? '\n' : ', '}got ${actual}`;
}

/** sevlab run FILE… */
export function addRun(program: Command): void {
  addRunOptions(
    program
      .command('run')
      .description('run scenario files')
      .argument('<file...>', 'scenarios, YAML or JSON; - is standard input'),
  ).action(async (files: string[], options: RunOptions) => {
    const { validateScenario } = await import('../scenario/validate.ts'); // the validator is needed here only
    if (options.trace !== undefined && files.length > 1) {
      throw new CommandError(EXIT.usage, `--trace: expected one scenario for one trace, got ${files.length}`);
    }
    if (options.linux !== undefined) expectKernel(options.linux);
    const failures = files.flatMap((file) => runAndPrint(file, options, validateScenario));
    const worst = Math.max(...failures.map(({ exitCode }) => exitCode)) as ExitCode; // one of theirs
    if (failures.length > 0) throw new CommandError(worst, failures.map(({ message }) => message).join('\n'));
  });
}

/** Runs one file of several; what goes wrong with it does not keep the others from being told. */
function runAndPrint(
  file: string,
  options: RunOptions,
  validate: Validate,
): { exitCode: ExitCode; message: string }[] {
  const reveal = options.reveal ?? false;
  try {
    const run = runFile(file, options, validate);
    if (options.json)
      for (const result of run.results) print(JSON.stringify({ file, ...resultJson(result, reveal) }));
    else print(`${file}: ${run.passed ? 'as expected' : 'deviates'}, ${run.results.length} steps`);
    return run.results
      .filter(({ finding }) => finding?.held === false)
      .map((result) => ({ exitCode: EXIT.no, message: describeDeviation(file, result, reveal) }));
  } catch (error) {
    if (error instanceof CommandError) return [{ exitCode: error.exitCode, message: error.message }];
    throw error;
  }
}

function expectKernel(name: string): void {
  try {
    kernelProfile(name);
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, `--linux: ${error.message}`);
    throw error;
  }
}
