import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Measured } from '../bench/figure.ts';
import type { BenchRecord } from '../bench/record.ts';
import { EFFORTS, type EffortName, SUBJECTS } from '../bench/subjects.ts';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';
import { print, printJson, say } from './output.ts';

interface BenchOptions {
  readonly json?: boolean;
  readonly only: readonly string[];
  readonly effort: EffortName;
  readonly growth?: boolean;
  readonly soak?: boolean;
  readonly guests: string;
  readonly rounds: string;
  readonly record?: string;
  readonly worker?: string;
}

const repeated = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** sevlab bench: how fast it is, beside what it is made of. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure speed and memory, each beside a reference in the same process')
    .option('--json', 'one JSON document')
    .option('--only <subject>', `one of ${Object.keys(SUBJECTS).join(', ')}; may be repeated`, repeated, [])
    .addOption(
      new Option('--effort <effort>', 'how much is measured').choices(Object.keys(EFFORTS)).default('full'),
    )
    .option('--growth', 'instead: how costs grow with sizes; --only names one growth')
    .option('--soak', 'instead: many guests, launched, run and decommissioned, and the memory that stays')
    .option('--guests <number>', 'soak: how many there are at once', '500')
    .option('--rounds <number>', 'soak: how often', '20')
    .option('--record <file>', 'fail when a figure is clearly worse than in this record')
    .addOption(new Option('--worker <seconds>').hideHelp())
    .action(async (options: BenchOptions) => {
      if (options.worker !== undefined) {
        const { work } = await import('../bench/workers.ts');
        print(`${work(Number(options.worker))}`);
      } else if (options.soak) await benchSoak(options);
      else await benchSpeed(options);
    });
}

/** Figures and growths, in a process whose memory is as ready for one side as for the other. */
async function benchSpeed(options: BenchOptions): Promise<void> {
  const { growHeapSteadily, memoryIsSteady, runInSteadyMemory } = await import('../bench/steady-memory.ts');
  if (!memoryIsSteady()) {
    process.exitCode = runInSteadyMemory() ?? EXIT.internal;
    return;
  }
  growHeapSteadily();
  if (options.growth) await benchGrowth(options);
  else await benchFigures(options);
}

async function benchFigures({ json, only, effort, record: path }: BenchOptions): Promise<void> {
  const unknown = only.filter((name) => SUBJECTS[name] === undefined);
  if (unknown.length > 0)
    throw new CommandError(
      EXIT.usage,
      `--only ${unknown[0]}: expected one of ${Object.keys(SUBJECTS).join(', ')}`,
    );
  const { figureLine, machineHere } = await import('../bench/report.ts');
  const { lastingRegressions } = await import('../bench/record.ts');
  const record = path === undefined ? undefined : readRecord(path);
  const machine = machineHere();
  if (!json)
    print(
      `${machine.processor}, ${machine.cores} cores, load ${machine.load}, Node ${machine.node}; medians, and where half of the runs lie`,
    );
  const subjects = new Map<string, readonly Measured[]>();
  const measure = async (subject: string): Promise<readonly Measured[]> => {
    const figures = (await SUBJECTS[subject]?.(EFFORTS[effort])) ?? [];
    if (!json) for (const figure of figures) print(figureLine(figure));
    return figures;
  };
  for (const subject of Object.keys(SUBJECTS))
    if (only.length === 0 || only.includes(subject)) subjects.set(subject, await measure(subject));
  if (json) printJson({ ...machine, effort, figures: [...subjects.values()].flat() });
  const worse =
    record === undefined
      ? []
      : await lastingRegressions(record, subjects, (subject) => {
          if (!json) print(`${subject}: clearly worse than in ${path}; measured again`);
          return measure(subject);
        });
  for (const line of worse) say(line);
  if (worse.length > 0)
    throw new CommandError(EXIT.no, `${worse.length} figures are clearly worse than in ${path}`);
}

function readRecord(path: string): BenchRecord {
  try {
    const { ratios }: { readonly ratios?: BenchRecord } = JSON.parse(readFileSync(path, 'utf8'));
    if (ratios !== undefined) return ratios;
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new CommandError(EXIT.configuration, `${path}: ${error.message}; expected JSON`);
    throw new CommandError(EXIT.usage, `${path}: ${systemReason(error)}; expected a record`);
  }
  throw new CommandError(
    EXIT.configuration,
    `${path}: no "ratios"; expected a record, as tools/speed.mjs writes it`,
  );
}

async function benchGrowth({ json, only, effort }: BenchOptions): Promise<void> {
  const { GROWTHS, measureGrowth } = await import('../bench/growth.ts');
  const { machineHere, short } = await import('../bench/report.ts');
  const unknown = only.filter((name) => !GROWTHS.includes(name));
  if (unknown.length > 0)
    throw new CommandError(EXIT.usage, `--only ${unknown[0]}: expected one of ${GROWTHS.join(', ')}`);
  const growths = [];
  for (const name of only.length > 0 ? only : GROWTHS) {
    const growth = measureGrowth(name, EFFORTS[effort]);
    growths.push(growth);
    if (json) continue;
    const points = growth.points.map(({ size, cost }) => `${size}: ${short(cost.median)}`);
    print(`${growth.what}, ms by ${growth.unit}: ${points.join(', ')}; slope ${growth.slope.toFixed(2)}`);
  }
  if (json) printJson({ ...machineHere(), effort, growths });
  const steep = growths.filter(({ met }) => !met).map(({ name }) => name);
  if (steep.length > 0)
    throw new CommandError(EXIT.no, `${steep.join(', ')}: costs grow faster than the size`);
}

async function benchSoak({ json, guests, rounds }: BenchOptions): Promise<void> {
  const { soak } = await import('../bench/soak.ts');
  const sizes = { guests: countOf('--guests', guests, 1), rounds: countOf('--rounds', rounds, 2) };
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const result = soak(sizes, (round, resident) => {
    if (!json) print(`round ${round}: ${guests} guests came and went, ${mib(resident)} MiB resident`);
  });
  if (json) printJson(result);
  else print(`${result.growth.toFixed(2)} times the memory of round two`);
  if (!result.met) throw new CommandError(EXIT.no, 'the memory of guests that are gone is not given back');
}

function countOf(option: string, text: string, least: number): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= least) return count;
  throw new CommandError(EXIT.usage, `${option} ${text}: expected a whole number from ${least}`);
}
