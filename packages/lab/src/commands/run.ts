import { KERNEL_PROFILES } from '@sevlab/guest-kernel-sim/profile';
import type { Command } from 'commander';
import { loadScenario } from '../scenario/load.ts';
import { runScenario, type ScenarioRun, type StepResult } from '../scenario/run.ts';
import type { Scenario, Step } from '../scenario/scenario.ts';
import { setupOf } from '../scenario/setup.ts';
import { ScenarioError } from '../scenario/values.ts';
import { systemReason } from '../system-reason.ts';
import { traceText } from '../trace-file.ts';
import { CommandError, EXIT } from './exit.ts';
import { print, say, writeOutput } from './output.ts';

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

/** Runs a scenario file and writes its trace. Throws CommandError. */
export function runFile(
  file: string,
  name: string,
  command: string,
  options: RunOptions & { readonly prepare?: (scenario: Scenario) => Scenario },
): ScenarioRun {
  try {
    const loaded = loadScenario(file);
    const scenario = options.prepare?.(loaded) ?? loaded;
    const { setup, secrets } = setupOf(scenario, file, {
      record: true,
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(options.linux !== undefined && { linux: options.linux }),
    });
    const run = runScenario(scenario, file, setup, secrets);
    if (options.trace !== undefined) {
      writeOutput(
        options.trace,
        traceText(run.pipeline, { command, scenario: name, reveal: options.reveal ?? false }),
      );
    }
    return run;
  } catch (error) {
    if (error instanceof ScenarioError)
      throw new CommandError(EXIT.configuration, `${file}: ${error.message}`);
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
    if (error instanceof Error && 'syscall' in error)
      throw new CommandError(EXIT.usage, `${file}: ${systemReason(error)}`);
    throw error;
  }
}

/** `shell: ls -la`: what a step is, in one line. */
export function describeStep(step: Step): string {
  if ('do' in step) return step.at === undefined ? step.do : `${step.do} at ${step.at}`;
  if ('shell' in step) return `shell: ${step.shell}`;
  const [kind, what] =
    'attack' in step ? (['attack', step.attack] as const) : (['check', step.check] as const);
  return `${kind}: ${JSON.stringify(what)}`;
}

/** One step's result as JSON. */
export const resultJson = ({ step, finding, output }: StepResult) => ({
  step: describeStep(step),
  held: finding?.held ?? null,
  expected: finding?.expected ?? null,
  actual: finding?.actual ?? null,
  output: output ?? null,
});

/** sevlab run FILE… */
export function addRun(program: Command): void {
  addRunOptions(
    program.command('run').description('run scenario files').argument('<file...>', 'scenarios, YAML or JSON'),
  ).action(async (files: string[], options: RunOptions) => {
    const { validateScenario } = await import('../scenario/validate.ts'); // the validator is needed here only
    let deviations = 0;
    for (const file of files) {
      const run = runFile(file, file, 'run', { ...options, prepare: validateScenario });
      for (const result of run.results) {
        if (options.json) print(JSON.stringify({ file, ...resultJson(result) }));
        else if (result.finding?.held === false) printDeviation(file, result);
      }
      if (!run.passed) deviations++;
      if (!options.json)
        print(`${file}: ${run.passed ? 'as expected' : 'deviates'}, ${run.results.length} steps`);
    }
    if (deviations > 0)
      throw new CommandError(
        EXIT.no,
        `${deviations} of ${files.length} scenarios deviate from what they expect`,
      );
  });
}

export function printDeviation(file: string, { step, finding }: StepResult): void {
  say(`${file}: ${describeStep(step)}\n  expected ${finding?.expected}\n  got      ${finding?.actual}`);
}
