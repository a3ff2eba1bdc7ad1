import { join } from 'node:path';
import type { Command } from 'commander';
import { ROOT_FOLDER } from '../root-folder.ts';
import { CommandError, EXIT } from './exit.ts';
import { print } from './output.ts';
import { addRunOptions, printDeviation, type RunOptions, resultJson, runFile } from './run.ts';

/** The demonstration is a scenario like any other. */
const SCENARIO = 'packages/lab/scenarios/kernel-documentation.yaml';

/** sevlab demo */
export function addDemo(program: Command): void {
  addRunOptions(program.command('demo').description('the example of the kernel documentation, end to end'))
    .option('--quiet', 'the transcript alone')
    .action((options: RunOptions & { readonly quiet?: boolean }) => {
      const run = runFile(join(ROOT_FOLDER, SCENARIO), 'kernel-documentation', 'demo', options);
      for (const result of run.results) {
        if (options.json) print(JSON.stringify(resultJson(result)));
        else if ('shell' in result.step) print(`# ${result.step.shell}\n${result.output}`);
        if (result.finding?.held === false) printDeviation(SCENARIO, result);
      }
      if (!run.passed) throw new CommandError(EXIT.no, 'the demonstration deviates from the documentation');
    });
}
