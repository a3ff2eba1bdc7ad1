import { existsSync, readFileSync } from 'node:fs';
import type { Case } from '@sevlab/conformance/case';
import { clauseOf } from '@sevlab/conformance/clause';
import type { ExpectedResults } from '@sevlab/conformance/expected-results';
import type { CaseResult } from '@sevlab/conformance/run';
import type { Command } from 'commander';
import { exportSuite } from '../conform/export.ts';
import { describeFailure } from '../conform/failure.ts';
import { caseReport } from '../conform/report.ts';
import { serveLines, targetOf } from '../conform/target.ts';
import { clauseTree } from '../conform/tree.ts';
import { countVerdicts, type JudgedCase, toldCounts } from '../conform/verdicts.ts';
import { ctrfReport } from '../report/ctrf.ts';
import { junitXml } from '../report/junit.ts';
import { systemReason } from '../system-reason.ts';
import { VERSION } from '../version.ts';
import { CommandError, EXIT } from './exit.ts';
import { print, say, writeOutput } from './output.ts';
import { withQemu } from './real-kernel.ts';

interface ConformOptions {
  readonly target: string;
  readonly timeout: string;
  readonly serve?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly tree?: boolean;
  readonly expect?: string;
  readonly update?: boolean;
  readonly export?: string;
  readonly report?: string;
  readonly junit?: string;
  readonly ctrf?: string;
}

/** sevlab conform: the suite, clause by clause, against whatever has an answer. */
export function addConform(program: Command): void {
  program
    .command('conform')
    .description('run the conformance suite against the simulator, a real kernel, or a program of your own')
    .argument('[id...]', 'only these cases, such as LSE-19')
    .option(
      '--target <target>',
      'sim: all that is simulated; linux: a real kernel in QEMU; exec:COMMAND: a program that speaks the line protocol',
      'sim',
    )
    .option('--timeout <seconds>', 'exec: how long an answer may take', '10')
    .option(
      '--serve',
      'be such a program: the simulator behind the line protocol, on standard input and output',
    )
    .option('--list', 'list the cases and run none')
    .option('--json', 'JSON Lines: one document per case')
    .option('--tree', 'every case, by document and clause')
    .option('--expect <file>', 'failures and skipped cases that are known, each with a reason')
    .option('--update', 'write that file as it is now; what fails newly has no reason there, and needs one')
    .option('--export <folder>', 'write the cases there for people without sevlab, and run none')
    .option(
      '--report <file>',
      'write one page of HTML there: every case, with what was sent and what came back',
    )
    .option('--junit <file>', 'write JUnit XML there')
    .option('--ctrf <file>', 'write a CTRF report there, JSON')
    .action(async (ids: string[], options: ConformOptions) => {
      if (options.serve) return serveLines();
      if (options.export !== undefined) return exportSuite(options.export);
      if (options.update && options.expect === undefined)
        throw new CommandError(EXIT.usage, '--update: expected --expect FILE, the file to write');
      const { allCases } = await import('@sevlab/conformance/cases'); // the cases are needed here only
      const all = allCases();
      const cases = choose(all, ids);
      if (options.list) printList(cases, options.json ?? false);
      else await runSuite(all, cases, options, ids.length > 0);
    });
}

function printList(cases: readonly Case[], json: boolean): void {
  for (const testCase of cases) {
    const { id, title, clause } = testCase;
    print(json ? JSON.stringify(listed(testCase)) : `${id.padEnd(8)} ${title} (${clause})`);
  }
}

/** What there is to know of a case before it runs. */
function listed({ id, room, title, clause, severity, flags = [], evidence, ...rest }: Case) {
  const underSpec = 'spec' in rest && rest.spec !== undefined;
  return { id, room, title, clause: clauseOf(clause), severity, flags, provenance: evidence, underSpec };
}

async function runSuite(
  all: readonly Case[],
  cases: readonly Case[],
  options: ConformOptions,
  chosen: boolean,
): Promise<void> {
  const { verdictOf } = await import('@sevlab/conformance/expected-results');
  const { runCases } = await import('@sevlab/conformance/run');
  const ids = new Set(all.map(({ id }) => id));
  const file = await expectedResults(options, ids);
  const target = await targetOf(options.target, options.timeout);
  const results = await withQemu(() => runCases(cases, target));
  if (options.update) return writeExpected(options.expect!, results, ids, file);
  const judged = cases.map((testCase, i): JudgedCase => {
    const result = results[i]!; // results are in the order of the cases
    return { testCase, result, verdict: verdictOf(result, file) };
  });
  await writeReports(judged, target.name, options);
  for (const each of judged) {
    if (options.json) print(JSON.stringify(judgedJson(each)));
    else if (!options.tree) await printRemarkable(each, options.target, chosen);
  }
  if (options.tree && !options.json) {
    print(clauseTree(judged));
    for (const each of judged) if (isWrong(each)) await printRemarkable(each, options.target, chosen);
  }
  const counts = countVerdicts(judged);
  if (!options.json) {
    const unseen = new Set(results.flatMap((result) => result.unseen ?? []));
    if (unseen.size > 0) print(`not seen by it: ${[...unseen].join(', ')}`);
    print(`${toldCounts(counts)}, on ${target.name}`);
  }
  const wrong = judged.filter(isWrong).length;
  if (wrong > 0) throw new CommandError(EXIT.no, toldWrong(counts.failed, counts.unexpected));
}

const isWrong = ({ verdict }: JudgedCase): boolean => verdict.as === 'failed' || verdict.as === 'unexpected';

const toldWrong = (failed: number, unexpected: number): string =>
  [
    ...(failed > 0 ? [`${failed} cases fail`] : []),
    ...(unexpected > 0 ? [`${unexpected} cases are not as expected; --update writes how they are`] : []),
  ].join('; ');

const judgedJson = ({ testCase, result, verdict }: JudgedCase) => {
  const { title, clause, severity } = testCase;
  const { passages: _, ...told } = result;
  return { ...told, title, clause, severity, verdict };
};

/** A case that somebody should hear of. */
async function printRemarkable(
  { testCase, result, verdict }: JudgedCase,
  target: string,
  chosen: boolean,
): Promise<void> {
  const { id, room } = testCase;
  if (verdict.as === 'unexpected') print(`${id} ${testCase.title}: ${verdict.why}`);
  if (result.outcome === 'fail' && verdict.as !== 'known')
    print(await describeFailure(testCase, result, target));
  if (verdict.as === 'skipped' && (room === 'kernel' || chosen)) print(`${id} skipped: ${result.actual}`);
  if (verdict.as === 'known' && chosen) print(`${id} ${result.outcome}, as expected: ${verdict.reason}`);
}

async function writeReports(
  judged: readonly JudgedCase[],
  target: string,
  { report: page, junit, ctrf }: ConformOptions,
): Promise<void> {
  if (page !== undefined) {
    const { reportPage } = await import('../conform/page/page.ts');
    writeOutput(page, reportPage({ judged, target, version: VERSION }));
  }
  if (junit === undefined && ctrf === undefined) return;
  const report = caseReport(judged, target);
  if (junit !== undefined) writeOutput(junit, junitXml(report));
  if (ctrf !== undefined) writeOutput(ctrf, `${JSON.stringify(ctrfReport(report), null, 2)}\n`);
}

/** What `--expect` names. Throws CommandError for a file that cannot be used. */
async function expectedResults(
  { expect: path, update = false }: ConformOptions,
  ids: ReadonlySet<string>,
): Promise<ExpectedResults | undefined> {
  if (path === undefined || (update && !existsSync(path))) return undefined;
  const { ExpectationError, parseExpectedResults } = await import('@sevlab/conformance/expected-results');
  try {
    return parseExpectedResults(readFileSync(path, 'utf8'), ids, { lenient: update });
  } catch (error) {
    if (error instanceof ExpectationError)
      throw new CommandError(
        EXIT.configuration,
        error.message
          .split('\n')
          .map((line) => `${path}: ${line}`)
          .join('\n'),
      );
    if (error instanceof Error && 'syscall' in error)
      throw new CommandError(
        EXIT.usage,
        `${path}: ${systemReason(error)}; expected a file of expected results; --update makes one`,
      );
    throw error;
  }
}

async function writeExpected(
  path: string,
  results: readonly CaseResult[],
  ids: ReadonlySet<string>,
  before: ExpectedResults | undefined,
): Promise<void> {
  const { updatedResults } = await import('@sevlab/conformance/expected-results');
  const updated = updatedResults(results, ids, before);
  writeOutput(path, `${JSON.stringify(updated, null, 2)}\n`);
  const entries = Object.entries(updated.expected);
  const open = entries.filter(([, { reason }]) => reason === '').map(([id]) => id);
  say(`${path}: ${entries.length} entries`);
  if (open.length > 0) say(`${path}: write a reason for ${open.join(', ')}`);
}

function choose(all: readonly Case[], given: readonly string[]): readonly Case[] {
  const ids = given.map(
    (id) => all.find((testCase) => testCase.id.toLowerCase() === id.toLowerCase())?.id ?? id,
  );
  const unknown = ids.filter((id) => !all.some((testCase) => testCase.id === id));
  if (unknown.length > 0)
    throw new CommandError(EXIT.usage, `no case ${unknown.join(', ')}; try sevlab conform --list`);
  return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
}
