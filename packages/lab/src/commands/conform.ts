import { createInterface } from 'node:readline';
import { toHex } from '@sevlab/codec/bytes';
import type { Case, KernelCase } from '@sevlab/conformance/case';
import { clauseOf } from '@sevlab/conformance/clause';
import type { CaseResult } from '@sevlab/conformance/run';
import type { Target } from '@sevlab/conformance/target';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { print } from './output.ts';
import { guestParts, withQemu } from './real-kernel.ts';

interface ConformOptions {
  readonly target: string;
  readonly timeout: string;
  readonly serve?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** sevlab conform: the suite, clause by clause, against the simulator or a real kernel. */
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
    .action(async (ids: string[], { target: name, timeout, list, json, serve }: ConformOptions) => {
      if (serve) return serveLines();
      const { allCases } = await import('@sevlab/conformance/cases'); // the cases are needed here only
      const cases = choose(allCases(), ids);
      if (list) {
        for (const testCase of cases) {
          const { id, title, clause } = testCase;
          print(json ? JSON.stringify(listed(testCase)) : `${id.padEnd(8)} ${title} (${clause})`);
        }
        return;
      }
      const { runCases } = await import('@sevlab/conformance/run');
      const target = await targetOf(name, timeout);
      const results = await withQemu(() => runCases(cases, target));
      for (const [i, result] of results.entries()) {
        const testCase = cases[i]!; // results are in the order of the cases
        if (json) print(JSON.stringify({ ...result, title: testCase.title, clause: testCase.clause }));
        else if (result.outcome === 'fail') print(await describeFailure(testCase, result, name));
        else if (result.outcome === 'skip' && (testCase.room === 'kernel' || ids.length > 0))
          print(`${testCase.id} skipped: ${result.actual}`);
      }
      const unseen = new Set(results.flatMap((result) => result.unseen ?? []));
      if (!json && unseen.size > 0) print(`not seen by it: ${[...unseen].join(', ')}`);
      const count = (wanted: CaseResult['outcome']) =>
        results.filter(({ outcome }) => outcome === wanted).length;
      if (!json)
        print(
          `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped, on ${target.name}`,
        );
      if (count('fail') > 0) throw new CommandError(EXIT.no, `${count('fail')} cases fail`);
    });
}

/** What there is to know of a case before it runs. */
function listed({ id, room, title, clause, severity, flags = [], evidence, ...rest }: Case) {
  const underSpec = 'spec' in rest && rest.spec !== undefined;
  return { id, room, title, clause: clauseOf(clause), severity, flags, provenance: evidence, underSpec };
}

async function targetOf(name: string, timeout: string): Promise<Target> {
  if (name === 'sim') return (await import('@sevlab/conformance/targets/sim')).simTarget();
  if (name.startsWith('exec:')) return execTargetOf(name.slice('exec:'.length), Number(timeout));
  if (name !== 'linux')
    throw new CommandError(EXIT.usage, `--target ${name}: expected sim, linux or exec:COMMAND`);
  const parts = guestParts();
  const { linuxTarget } = await import('@sevlab/conformance/targets/linux');
  return withQemu(() => linuxTarget(parts));
}

async function execTargetOf(command: string, timeout: number): Promise<Target> {
  if (command.trim() === '')
    throw new CommandError(EXIT.usage, '--target exec: expected a command behind it, such as exec:./adapter');
  if (!(timeout > 0)) throw new CommandError(EXIT.usage, '--timeout: expected a number of seconds above 0');
  const { execTarget } = await import('@sevlab/conformance/exec/target');
  const { ProgramTrouble } = await import('@sevlab/conformance/exec/line-program');
  try {
    return await execTarget(command, { timeout });
  } catch (error) {
    if (!(error instanceof ProgramTrouble)) throw error;
    throw new CommandError(
      EXIT.usage,
      `${command}: ${error.message}; docs/reference/exec-protocol.md says what to answer to the first line`,
    );
  }
}

/** Answers requests of the line protocol, a line each, until the input ends. */
async function serveLines(): Promise<void> {
  const { createResponder } = await import('@sevlab/conformance/exec/responder');
  const respond = createResponder();
  for await (const line of createInterface({ input: process.stdin })) {
    let answer: object;
    try {
      answer = respond(JSON.parse(line));
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      answer = { error: error.message };
    }
    print(JSON.stringify(answer));
  }
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

/** What failed, and how to see it again. */
export async function describeFailure(
  testCase: Case,
  { profile, expected, actual }: CaseResult,
  target: string,
): Promise<string> {
  const { id, title, clause } = testCase;
  const option = target === 'sim' ? '' : `--target ${quoteWord(target)} `;
  return [
    `${id} ${title} (${clause})${profile ? `, under the profile ${profile}` : ''}`,
    `  expected ${JSON.stringify(expected)}`,
    `  got      ${JSON.stringify(actual)}`,
    `  again    sevlab conform ${option}${id}`,
    ...(testCase.room === 'kernel' ? await guestCommand(testCase) : []),
  ].join('\n');
}

/** A word as a shell takes it. */
const quoteWord = (word: string): string =>
  /^[\w:./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The same area on the emulated kernel alone, where its command can say what the case says. */
async function guestCommand(testCase: KernelCase): Promise<string[]> {
  const { given } = testCase;
  if (given.tables !== undefined || given.at !== undefined || given.build !== undefined) return [];
  const { kernelProbe } = await import('@sevlab/conformance/kernel-probe');
  const { area, base = 0n, size = 0n, mode, operations } = kernelProbe(testCase);
  const words = [
    ...['--mode', mode, '--base', `0x${base.toString(16)}`, '--size', `0x${size.toString(16)}`],
    ...(given.linux === undefined ? [] : ['--linux', given.linux]),
    ...operations.flatMap((line) => ['--op', `'${line}'`]),
  ];
  return [`  alone    sevlab guest ${words.join(' ')} --json hex:${toHex(area)}`];
}
