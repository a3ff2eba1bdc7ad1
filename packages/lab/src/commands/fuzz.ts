import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { systemEntropy } from '@sevlab/ambient/entropy';
import { toHex } from '@sevlab/codec/bytes';
import type { Command } from 'commander';
import type { Door } from '../fuzz/door.ts';
import {
  chunkLine,
  type Header,
  headerLine,
  mergeResults,
  type Report,
  type Results,
  readResults,
  reportLine,
  resultLines,
} from '../fuzz/results.ts';
import { type Shard, shardFrom, shardOf } from '../fuzz/shard.ts';
import { shellWord } from '../shell-word.ts';
import { systemReason } from '../system-reason.ts';
import { VERSION } from '../version.ts';
import { CommandError, EXIT } from './exit.ts';
import { print, printJson, say, writeOutput } from './output.ts';

interface FuzzOptions {
  readonly runs: string;
  readonly seed?: string;
  readonly door?: readonly string[];
  readonly shard?: string;
  readonly workers: string;
  readonly caseLimit: string;
  readonly output?: string;
  readonly resume?: string;
  readonly report?: string;
  readonly failures: string;
  readonly only?: string;
  readonly list?: boolean;
  readonly json?: boolean;
}

const HELP = `
A case is drawn from seed, door and index alone: the same in any shard, with any number of workers. Without --shard,
the environment says which one this is, if any: SHARD_INDEX and SHARD_TOTAL, JOB_COMPLETION_INDEX and JOB_COMPLETIONS,
and those of GitLab, Slurm, AWS Batch, Buildkite and CircleCI. Inputs follow the structure of each door; coverage does
not guide them, see docs/adr/0015-fuzz-campaigns.md.`;

/** sevlab fuzz: seeded campaigns over every door. */
export function addFuzz(program: Command): void {
  const fuzz = program
    .command('fuzz')
    .description('try every place where somebody else’s bytes come in with random ones, repeatably')
    .option('--runs <n>', 'cases, divided among the doors', '100000')
    .option('--seed <text>', 'draws the cases; without one, a new one is drawn and printed')
    .option('--door <name...>', 'only these doors')
    .option('--list', 'list the doors and what must hold at each')
    .option('--shard <i/n>', 'only this part of the campaign, such as 2/8')
    .option('--workers <k>', 'threads', `${availableParallelism()}`)
    .option('--case-limit <seconds>', 'a case that takes longer hangs', '5')
    .option('--output <file>', 'write the results there, JSON Lines, as they come')
    .option('--resume <file>', 'go on with the campaign whose results are there')
    .option('--report <file>', 'write what was found and measured, as Markdown')
    .option('--failures <folder>', 'write what shows each failure there', 'fuzz-failures')
    .option('--only <index>', 'run one case of a door, and show it')
    .option('--json', 'print the results instead of a summary, JSON Lines')
    .addHelpText('after', HELP)
    .action(async (options: FuzzOptions) => {
      const { DOORS } = await import('../fuzz/doors.ts'); // with fast-check, which nobody else needs
      const doors = chosen(options.door, DOORS);
      if (options.list) list(doors, options.json === true);
      else if (options.only !== undefined) await runOne(doors, options, numberOf('--only', options.only, 0));
      else await runAll(doors, DOORS, options);
    });
  fuzz
    .command('merge')
    .description('fold the results of all shards into those of the whole campaign')
    .argument('<file...>', 'results of each shard')
    .option('--output <file>', 'write the results there instead of printing them')
    .action((files: string[], _: object, command: Command) => {
      const { output = '-' }: { output?: string } = command.optsWithGlobals(); // fuzz has an --output, and takes it
      const merged = refusing(() => mergeResults(files.map(readResultsFile)));
      writeOutput(output, resultLines(merged));
      endWith(merged.reports, []);
    });
}

function chosen(names: readonly string[] | undefined, doors: readonly Door[]): readonly Door[] {
  if (names === undefined) return doors;
  for (const name of names) {
    if (!doors.some((door) => door.name === name))
      throw new CommandError(
        EXIT.usage,
        `--door ${name}: expected one of ${doors.map((door) => door.name).join(', ')}`,
      );
  }
  return doors.filter(({ name }) => names.includes(name));
}

function list(doors: readonly Door[], json: boolean): void {
  if (json) printJson(doors.map(({ name, about, share }) => ({ name, about, share })));
  else for (const { name, about } of doors) print(`${name.padEnd(18)}${about}`);
}

/** A whole number of at least `least`. Throws CommandError. */
function numberOf(option: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d{1,15}$/.test(text) && number >= least) return number;
  throw new CommandError(EXIT.usage, `${option} ${text}: expected a whole number of at least ${least}`);
}

/** The value, or its RangeError as wrong usage. */
function refusing<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
    throw error;
  }
}

function readResultsFile(file: string): Results {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${systemReason(error)}; expected results of sevlab fuzz`);
  }
  try {
    return readResults(text);
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, `${file}: ${error.message}`);
    throw error;
  }
}

const drawnSeed = (): string => toHex(systemEntropy('fuzz').bytes(6));

/** Which cases there are to run, and what of them is done. Throws CommandError. */
async function campaignOf(
  doors: readonly Door[],
  { resume, runs, seed, shard, door, output }: FuzzOptions,
): Promise<Pick<Results, 'header' | 'chunks'>> {
  if (resume !== undefined) {
    if (seed !== undefined || shard !== undefined || door !== undefined || output !== undefined)
      throw new CommandError(
        EXIT.usage,
        '--resume: the file says which campaign it is, and grows; expected no --seed, --door, --shard or --output',
      );
    const { header, chunks } = readResultsFile(resume);
    if (header.version !== VERSION)
      throw new CommandError(
        EXIT.usage,
        `${resume}: of sevlab ${header.version}, which has other cases; expected ${VERSION}`,
      );
    return { header, chunks };
  }
  const { planOf } = await import('../fuzz/plan.ts');
  const part: Shard | undefined = refusing(() =>
    shard === undefined ? shardFrom(process.env) : shardOf(shard),
  );
  const plan = planOf(seed ?? drawnSeed(), numberOf('--runs', runs, 1), doors);
  return { header: { version: VERSION, ...plan, ...(part && { shard: part }) }, chunks: [] };
}

async function runAll(doors: readonly Door[], all: readonly Door[], options: FuzzOptions): Promise<void> {
  const { output, resume, json = false, failures, report } = options;
  const workers = numberOf('--workers', options.workers, 1);
  const limit = 1000 * numberOf('--case-limit', options.caseLimit, 1);
  if (output !== undefined && existsSync(output))
    throw new CommandError(
      EXIT.usage,
      `${output}: it is there; expected no such file; try --resume ${output}`,
    );
  const { header, chunks: done } = await campaignOf(doors, options);
  const tested = all.filter(({ name }) => name in header.doors);
  say(seedText(header, options.seed === undefined && resume === undefined));
  const write = writerTo(output ?? resume, json);
  const begin = [headerLine(header), ...done.map(chunkLine)].join('');
  write.begin(begin);
  const { runCampaign } = await import('../fuzz/campaign.ts');
  const { createTeller } = await import('../fuzz/progress.ts');
  const teller = createTeller(process.stderr);
  const campaign = await runCampaign({
    ...{ header, doors: tested, program: __filename, workers, limit, done },
    reproduce: (door, index) =>
      ['sevlab', 'fuzz', '--door', door, '--seed', header.seed, '--only', `${index}`]
        .map(shellWord)
        .join(' '),
    onChunk: (result) => write.more(chunkLine(result)),
    onProgress: (progress) => teller.tell(progress),
  });
  teller.end();
  for (const each of campaign.reports) write.more(reportLine(each));
  if (campaign.reports.length > 0) await writeFailures(failures, campaign.reports);
  const { campaignText, campaignMarkdown } = await import('../fuzz/campaign-report.ts');
  if (!json) print(campaignText(campaign));
  if (report !== undefined) writeOutput(report, campaignMarkdown(campaign, { header, workers, limit }));
  endWith(
    campaign.reports,
    campaign.measurements.filter(({ growth = 0 }) => growth > 0),
  );
}

function seedText({ seed, doors, shard }: Header, drawn: boolean): string {
  const cases = Object.values(doors).reduce((sum, count) => sum + count, 0);
  const part = shard === undefined ? '' : `, of which this is shard ${shard.index + 1} of ${shard.total}`;
  return `sevlab fuzz: seed ${shellWord(seed)}${drawn ? ', drawn' : ''}: ${cases} cases${part}`;
}

/** Where results go: a file that grows, and standard output. */
function writerTo(file: string | undefined, json: boolean) {
  return {
    begin: (text: string): void => {
      if (file !== undefined) writeOutput(file, text);
      if (json) print(text);
    },
    more: (text: string): void => {
      if (file !== undefined) appendFileSync(file, text);
      if (json) print(text);
    },
  };
}

async function writeFailures(folder: string, reports: readonly Report[]): Promise<void> {
  const { failureFiles } = await import('../fuzz/failure-files.ts');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `--failures ${folder}: ${systemReason(error)}; expected a folder that can be written`,
    );
  }
  for (const report of reports) {
    for (const { name, content } of failureFiles(report)) writeOutput(join(folder, name), content);
  }
}

/** Says what failed, and makes the exit code say so. */
function endWith(
  reports: readonly Report[],
  grown: readonly { readonly door: string; readonly growth: number | undefined }[],
): void {
  for (const { door, signature, message, count, reproduce } of reports)
    say(`sevlab fuzz: ${door}: ${signature}, ${count} times; ${message}; reproduce: ${reproduce}`);
  for (const { door, growth = 0 } of grown)
    say(`sevlab fuzz: ${door}: memory grows: a thread held ${Math.round(growth / 1024)} KiB more at the end`);
  if (reports.length + grown.length > 0) process.exitCode = EXIT.no;
}

async function runOne(doors: readonly Door[], options: FuzzOptions, index: number): Promise<void> {
  const [door, ...others] = doors;
  const { seed, json = false } = options;
  if (door === undefined || others.length > 0 || seed === undefined)
    throw new CommandError(EXIT.usage, '--only: expected --door with one name, and --seed');
  const limit = 1000 * numberOf('--case-limit', options.caseLimit, 1);
  const { CaseThread } = await import('../fuzz/case-thread.ts');
  const thread = new CaseThread({ program: __filename, seed, limit });
  try {
    const shown = await thread.run({ kind: 'show', door: door.name, index, path: [] });
    const answer = await thread.run({ kind: 'case', door: door.name, index, path: [] });
    const failure = answer.kind === 'case' || answer.kind === 'fallen' ? answer.failure : undefined;
    const outcome = answer.kind === 'case' ? answer.outcome : undefined;
    const input = shown.kind === 'show' ? shown.input : 'null';
    if (json)
      print(
        `{"door":${JSON.stringify(door.name)},"index":${index},"input":${input},"outcome":${JSON.stringify(outcome ?? null)},"failure":${JSON.stringify(failure ?? null)}}`,
      );
    else print(`${input}\n${outcome ?? `${failure?.signature}; ${failure?.message}`}`);
    if (failure !== undefined) process.exitCode = EXIT.no;
  } finally {
    await thread.close();
  }
}
