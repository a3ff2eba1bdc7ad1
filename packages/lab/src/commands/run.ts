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

/** Runs a scenario file and writes its trace. Throws CommandError. */
function runFile(file: string, options: RunOptions, validate: (scenario: Scenario) => Scenario): ScenarioRun {
  try {
    const scenario = validate(loadScenario(file));
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
      throw new CommandError(EXIT.configuration, `${file}: ${error.message}`);
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandError(EXIT.usage, `${file}: ${systemReason(error)}; expected a file that can be read`);
    }
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
    const deviations: string[] = [];
    for (const file of files) {
      const run = runFile(file, options, validateScenario);
      for (const result of run.results) {
        if (options.json) print(JSON.stringify({ file, ...resultJson(result) }));
        if (result.finding?.held === false) deviations.push(describeDeviation(file, result));
      }
      if (!options.json)
        print(`${file}: ${run.passed ? 'as expected' : 'deviates'}, ${run.results.length} steps`);
    }
    if (deviations.length > 0) throw new CommandError(EXIT.no, deviations.join('\n'));
  });
}

/** What a step should have given and what it gave; whole screens stand on lines of their own. */
export function describeDeviation(file: string, { step, finding }: StepResult): string {
  const [expected, actual] = [finding?.expected ?? '', finding?.actual ?? ''];
  const screens = expected.includes('\n') || actual.includes('\n');
  return `${file}: ${describeStep(step)}: expected ${expected}${screens ? '\n' : ', '}got ${actual}`;
}
