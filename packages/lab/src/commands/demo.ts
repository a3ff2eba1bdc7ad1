import type { Command } from 'commander';
import { demoLines } from '../demo-text.ts';
import { DEMONSTRATION, type Demonstration, demonstrate } from '../demonstration.ts';
import { ScenarioError } from '../scenario/values.ts';
import { traceText } from '../trace-file.ts';
import { CommandError, EXIT } from './exit.ts';
import { print, wantsColour, writeOutput } from './output.ts';
import { addRunOptions, describeDeviation, type RunOptions, resultJson } from './run.ts';

const MAX_WIDTH = 100;
/** For a pipe, and for a terminal that does not know its size. */
const DEFAULT_WIDTH = 80;

interface DemoOptions extends RunOptions {
  readonly quiet?: boolean;
  readonly shell?: boolean;
}

/** sevlab demo */
export function addDemo(program: Command): void {
  addRunOptions(program.command('demo').description('the example of the kernel documentation, end to end'))
    .option('--quiet', 'the transcript alone')
    .option('--shell', "then the guest's shell: `help` lists its commands, `exit` ends it")
    .action(async ({ linux, seed, ...options }: DemoOptions) => {
      if (options.json && options.shell)
        throw new CommandError(
          EXIT.usage,
          "--json and --shell: the shell's words are no JSON; try one of them",
        );
      const run = startDemonstration({
        ...(linux !== undefined && { linux }),
        ...(seed !== undefined && { seed }),
      });
      const traced = { ...options, ...(linux !== undefined && { linux }) };
      if (!options.shell) writeTrace(run, traced);
      if (options.json) {
        for (const result of run.results) print(JSON.stringify(resultJson(result, true))); // its secrets are public;
      } else if (options.quiet) {
        for (const { step, output } of run.results) if ('shell' in step) print(`# ${step.shell}\n${output}`);
      } else {
        const style = {
          colour: wantsColour(),
          width: Math.min(process.stdout.columns || DEFAULT_WIDTH, MAX_WIDTH),
        };
        for (const line of demoLines(run, style)) print(`${line}\n`);
        print(
          `\nsimulated, seed '${run.pipeline.setup.seed}': the same bytes on every machine; another with --seed\n`,
        );
      }
      const { kernel } = run.pipeline.progress;
      if (options.shell && kernel !== undefined) {
        const { connectConsole } = await import('../guest-console.ts');
        process.exitCode = await connectConsole(kernel);
        writeTrace(run, traced); // with what was typed
      }
      const deviation = run.results.find(({ finding }) => finding?.held === false);
      if (deviation) throw new CommandError(EXIT.no, describeDeviation(DEMONSTRATION, deviation, true));
    });
}

function writeTrace(
  { pipeline }: Demonstration,
  { trace, reveal = false, shell = false, linux }: DemoOptions,
): void {
  if (trace === undefined) return;
  const words = linux === undefined ? [] : ['--linux', linux];
  const options = {
    command: 'demo',
    scenario: 'kernel-documentation',
    reveal,
    ...(!shell && { arguments: words }),
  };
  writeOutput(trace, traceText(pipeline, options));
}

function startDemonstration(options: Parameters<typeof demonstrate>[0]): ReturnType<typeof demonstrate> {
  try {
    return demonstrate(options);
  } catch (error) {
    if (error instanceof ScenarioError) throw new CommandError(EXIT.usage, `--${error.message}`);
    throw error;
  }
}
