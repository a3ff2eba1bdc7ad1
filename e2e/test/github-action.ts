import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';

/** A step of a workflow or of an action. */
export interface ActionStep {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>;
  readonly runs: { readonly steps: readonly ActionStep[] };
}

export const readAction = (file: string): Action => parse(readFileSync(file, 'utf8')) as Action; // its tests look at the rest

/** A job: what steps have told the steps behind them. */
export interface Job {
  /** Where the repository is checked out. */
  readonly workspace: string;
  /** Folder for what GitHub keeps between steps. */
  readonly runner: string;
  /** What was put in front of PATH, the last first. */
  paths: readonly string[];
}

/**
 * Runs the steps of an action that have a script, as GitHub does; the folder of the action has the file `action.yml`.
 * Only those in `steps`, by number, if that is given. Returns what the steps gave out. Throws an error for a step that fails.
 */
export function runAction(
  job: Job,
  folder: string,
  given: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv,
  only?: readonly number[],
): Readonly<Record<string, string>> {
  const { inputs, runs } = readAction(join(folder, 'action.yml'));
  const value = (name: string): string => given[name] ?? inputs[name]!.default;
  const files = { GITHUB_PATH: join(job.runner, 'path'), GITHUB_OUTPUT: join(job.runner, 'output') };
  for (const file of Object.values(files)) writeFileSync(file, '');
  for (const [i, { run, env = {} }] of runs.steps.entries()) {
    if (run === undefined || (only && !only.includes(i))) continue;
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', run], {
      ...{ cwd: job.workspace, encoding: 'utf8', timeout: 180_000 },
      env: {
        ...environment,
        ...{ GITHUB_ACTIONS: 'true', GITHUB_ACTION_PATH: folder, RUNNER_TEMP: job.runner, ...files },
        ...Object.fromEntries(
          Object.entries(env).map(([name, text]) => [
            name,
            text.replace(INPUT, (_, input: string) => value(input)),
          ]),
        ),
        PATH: [...job.paths, process.env.PATH].join(delimiter),
      },
    });
    if (status !== 0) throw new Error(`${run}: exit code ${status}\n${stdout}${stderr}`);
    job.paths = [...linesOf(files.GITHUB_PATH).reverse(), ...job.paths];
    writeFileSync(files.GITHUB_PATH, '');
  }
  return Object.fromEntries(linesOf(files.GITHUB_OUTPUT).map((line) => line.split('=') as [string, string]));
}

const INPUT = /\$\{\{ inputs\.(\w+) \}\}/g;

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean);
