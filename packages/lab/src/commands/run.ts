import { appendFileSync } from 'node:fs';
import { KERNEL_PROFILES, kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import type { Command } from 'commander';
import { lineDiff } from '../line-diff.ts';
import { ctrfReport } from '../report/ctrf.ts';
import { errorAnnotation, jobSummary } from '../report/github.ts';
import { junitXml } from '../report/junit.ts';
import { type PlayedRun, playerHtml } from '../report/player.ts';
import type { TestReport } from '../report/test-report.ts';
import { type LoadedScenario, loadScenario, type Place } from '../scenario/load.ts';
import { type Variant, variantsOf } from '../scenario/matrix.ts';
import { runScenario, type ScenarioRun, type StepResult } from '../scenario/run.ts';
import type { Scenario, Step } from '../scenario/scenario.ts';
import { setupOf } from '../scenario/setup.ts';
import { updateExpectation } from '../scenario/update.ts';
import { describeScenarioError, ScenarioError } from '../scenario/values.ts';
import { shellWord } from '../shell-word.ts';
import { systemReason } from '../system-reason.ts';
import { traceText } from '../trace-file.ts';
import { VERSION } from '../version.ts';
import { CommandError, EXIT, type ExitCode } from './exit.ts';
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

export interface FileOptions extends RunOptions {
  readonly only?: string;
  readonly update?: boolean;
  readonly junit?: string;
  readonly ctrf?: string;
  readonly report?: string;
}

/** One run of one file. */
interface FileRun {
  /** The file, and which of its matrix. */
  readonly name: string;
  readonly placeOf: LoadedScenario['placeOf'];
  /** What makes the same run of it, but for the seed. */
  readonly words: readonly string[];
  readonly scenario: Scenario;
  readonly run: ScenarioRun;
}

type Validate = typeof import('../scenario/validate.ts').validateScenario;

/** Runs a scenario file, once for each of its matrix, and writes its trace. Throws CommandError. */
export function* runFile(file: string, options: FileOptions, validate: Validate): Generator<FileRun> {
  try {
    const { seed, linux, only, trace, reveal = false } = options;
    const variants = variantsOf(loadScenario(file));
    const wanted = variants.filter(({ name = '' }) => only === undefined || name.includes(only));
    if (wanted.length === 0)
      throw new CommandError(
        EXIT.usage,
        `--only ${only}: ${file} has no such run; expected words of ${namesOf(variants)}`,
      );
    if (trace !== undefined && wanted.length > 1)
      throw new CommandError(
        EXIT.usage,
        `--trace: expected one run for one trace, got ${wanted.length}; try --only`,
      );
    for (const { scenario: loaded, placeOf, name } of wanted) {
      const scenario = validate(loaded, placeOf);
      const { setup, secrets } = setupOf(scenario, file, {
        record: true,
        ...(seed !== undefined && { seed }),
        ...(linux !== undefined && { linux }),
      });
      const run = runScenario(scenario, file, setup, secrets);
      const words = wordsOf(file, name, linux);
      if (trace !== undefined) writeOutput(trace, traceOf({ words, scenario, run }, reveal));
      yield { words, placeOf, name: name === undefined ? file : `${file} [${name}]`, scenario, run };
    }
  } catch (error) {
    if (error instanceof ScenarioError)
      throw new CommandError(EXIT.configuration, describeScenarioError(file, error));
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandError(EXIT.usage, `${file}: ${systemReason(error)}; expected a file that can be read`);
    }
    throw error;
  }
}

const traceOf = (
  { words, scenario, run }: Pick<FileRun, 'words' | 'scenario' | 'run'>,
  reveal: boolean,
): string => traceText(run.pipeline, { command: 'run', arguments: words, scenario: scenario.title, reveal });

const namesOf = (variants: readonly Variant[]): string =>
  variants.map(({ name }) => name ?? 'a file without a matrix').join('; ');

const wordsOf = (file: string, variant: string | undefined, linux: string | undefined): readonly string[] => [
  file,
  ...(variant === undefined ? [] : ['--only', variant]),
  ...(linux === undefined ? [] : ['--linux', linux]),
];

/** The command that gives the same run again. */
function reproduction({ words, run }: FileRun): string {
  const all = ['sevlab', 'run', ...words, '--seed', run.pipeline.setup.seed ?? ''];
  return `reproduce with sevlab ${VERSION}: ${all.map(shellWord).join(' ')}`;
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

/** What a step should have given and what it gave, whole screens line by line, and what the trace says of the reason. */
export function describeDeviation(
  file: string,
  { step, finding, secret, cause }: StepResult,
  reveal: boolean,
): string {
  const where = `${file}: ${describeStep(step)}`;
  if (secret && !reveal) return `${where}: expected other output than came; it holds a secret; try --reveal`;
  const [expected, actual] = [finding?.expected ?? '', finding?.actual ?? ''];
  const because = cause === undefined ? '' : `\n${cause}`;
  if (!expected.includes('\n') && !actual.includes('\n'))
    return `${where}: expected ${expected}, got ${actual}${because}`;
  return `${where}: expected what is behind -, got what is behind +\n${lineDiff(expected, actual).join('\n')}${because}`;
}

/** sevlab run FILE… */
export function addRun(program: Command): void {
  addRunOptions(
    program
      .command('run')
      .description('run scenario files')
      .argument('<file...>', 'scenarios, YAML or JSON; - is standard input'),
  )
    .option('--junit <file>', 'write the results there, JUnit XML')
    .option('--ctrf <file>', 'write the results there, CTRF JSON')
    .option('--report <file>', 'write a page there that plays every run, HTML in one file')
    .option('--only <words>', 'of a matrix, the runs whose name has these words')
    .option('--update', 'write what came where the file expects something else')
    .action(async (files: string[], options: FileOptions) => {
      const { validateScenario } = await import('../scenario/validate.ts'); // the validator is needed here only
      if (options.trace !== undefined && files.length > 1) {
        throw new CommandError(
          EXIT.usage,
          `--trace: expected one scenario for one trace, got ${files.length}`,
        );
      }
      if (options.linux !== undefined) expectKernel(options.linux);
      if (options.update) for (const file of files) updateFile(file, options, validateScenario);
      const all = files.map((file) => runAndPrint(file, options, validateScenario));
      const outcomes = all.flatMap((one) => one.outcomes);
      writeReports(outcomes, options);
      if (options.report !== undefined)
        writeOutput(options.report, playerHtml(all.flatMap(({ played }) => played)));
      const failures = outcomes.filter(({ exitCode }) => exitCode !== EXIT.yes);
      const worst = Math.max(...failures.map(({ exitCode }) => exitCode)) as ExitCode; // one of theirs
      if (failures.length > 0)
        throw new CommandError(worst, failures.map(({ message }) => message).join('\n'));
    });
}

/** What became of a step, or of a file that could not be run. */
interface Outcome {
  readonly exitCode: ExitCode;
  readonly suite: string;
  readonly name: string;
  /** What is wrong; empty when nothing is. */
  readonly message: string;
  readonly place?: Place;
}

/** A file's outcomes, and its runs for the page that plays them. */
interface FileOutcomes {
  readonly outcomes: readonly Outcome[];
  readonly played: readonly PlayedRun[];
}

/** Runs one file of several; what goes wrong with it does not keep the others from being told. */
function runAndPrint(file: string, options: FileOptions, validate: Validate): FileOutcomes {
  const reveal = options.reveal ?? false;
  const outcomes: Outcome[] = [];
  const played: PlayedRun[] = [];
  try {
    for (const fileRun of runFile(file, options, validate)) {
      const { name: suite, run, placeOf } = fileRun;
      if (options.json)
        for (const result of run.results)
          print(JSON.stringify({ file: suite, ...resultJson(result, reveal) }));
      else print(`${suite}: ${run.passed ? 'as expected' : 'deviates'}, ${run.results.length} steps`);
      const before = outcomes.length;
      for (const [i, result] of run.results.entries()) {
        const name = `${i + 1}. ${describeStep(result.step)}`;
        if (result.finding?.held !== false) outcomes.push({ exitCode: EXIT.yes, suite, name, message: '' });
        else {
          const message = `${describeDeviation(suite, result, reveal)}\n${reproduction(fileRun)}`;
          outcomes.push({ exitCode: EXIT.no, suite, name, message, place: placeOf(['steps', i]) });
        }
      }
      if (options.report === undefined) continue;
      const deviations = outcomes.slice(before).flatMap(({ message }) => (message === '' ? [] : [message]));
      played.push({ name: suite, deviations, trace: traceOf(fileRun, reveal) });
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { exitCode, message } = error;
    outcomes.push({ exitCode, suite: file, name: 'is a scenario that can be run', message });
    played.push({ name: file, deviations: [message] });
  }
  return { outcomes, played };
}

/** For CI: files that were asked for, and what GitHub's runner shows, where that is who runs it. */
function writeReports(outcomes: readonly Outcome[], { junit, ctrf }: FileOptions): void {
  const report: TestReport = {
    ...{ name: 'sevlab run', version: VERSION },
    tests: outcomes.map(({ exitCode, suite, name, message }) => {
      const [first = ''] = message.split('\n');
      const test = { suite: [suite], name };
      if (exitCode === EXIT.yes) return { ...test, outcome: 'passed' };
      return { ...test, outcome: 'failed', message: first, detail: message };
    }),
  };
  if (junit !== undefined) writeOutput(junit, junitXml(report));
  if (ctrf !== undefined) writeOutput(ctrf, `${JSON.stringify(ctrfReport(report), null, 2)}\n`);
  const { GITHUB_ACTIONS: onGitHub, GITHUB_STEP_SUMMARY: summary } = process.env;
  if (onGitHub !== 'true') return;
  for (const { message, place } of outcomes) if (message !== '') say(errorAnnotation(message, place));
  if (summary) appendFileSync(summary, jobSummary(report));
}

/** Rewrites expectations that do not hold, one run for each. Throws CommandError. */
function updateFile(file: string, options: FileOptions, validate: Validate): void {
  if (file === '-') throw new CommandError(EXIT.usage, '--update: expected a file, got standard input');
  for (;;) {
    const runs = [...runFile(file, options, validate)];
    if (runs.length > 1)
      throw new CommandError(
        EXIT.usage,
        `--update: expected a file with one run, got ${runs.length}; try --only`,
      );
    const [only] = runs;
    const at = only?.run.results.findIndex(({ finding }) => finding?.held === false) ?? -1;
    const result = only?.run.results[at];
    if (result === undefined) return;
    const changed = updateExpectation(file, { at, steps: only!.scenario.steps.length }, result);
    if (changed !== undefined)
      throw new CommandError(EXIT.no, `--update: ${describeStep(result.step)}: ${changed}`);
    say(`sevlab run: ${file}: ${describeStep(result.step)}: updated`);
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
