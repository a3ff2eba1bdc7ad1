import { toHex } from '@sevlab/codec/bytes';
import type { Case, KernelCase } from '@sevlab/conformance/case';
import type { CaseResult } from '@sevlab/conformance/run';
import type { Target } from '@sevlab/conformance/target';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { print } from './output.ts';
import { guestParts, withQemu } from './real-kernel.ts';

type TargetName = 'sim' | 'linux';

interface ConformOptions {
  readonly target: TargetName;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** sevlab conform: the suite, clause by clause, against the simulator or a real kernel. */
export function addConform(program: Command): void {
  program
    .command('conform')
    .description(
      'run the conformance suite against the simulator, or its cases of the kernel against a real one',
    )
    .argument('[id...]', 'only these cases, such as LSE-19')
    .addOption(
      new Option('--target <name>', 'sim: all that is simulated; linux: a real kernel in QEMU')
        .choices(['sim', 'linux'])
        .default('sim'),
    )
    .option('--list', 'list the cases and run none')
    .option('--json', 'JSON Lines: one document per case')
    .action(async (ids: string[], { target: name, list, json }: ConformOptions) => {
      const { allCases } = await import('@sevlab/conformance/cases'); // the cases are needed here only
      const cases = choose(allCases(), ids);
      if (list) {
        for (const { id, title, clause } of cases)
          print(json ? JSON.stringify({ id, title, clause }) : `${id.padEnd(8)} ${title} (${clause})`);
        return;
      }
      const { runCases } = await import('@sevlab/conformance/run');
      const target = await targetOf(name);
      const results = await withQemu(() => runCases(cases, target));
      for (const [i, result] of results.entries()) {
        const testCase = cases[i]!; // results are in the order of the cases
        if (json) print(JSON.stringify({ ...result, title: testCase.title, clause: testCase.clause }));
        else if (result.outcome === 'fail') print(await describeFailure(testCase, result, name));
        else if (result.outcome === 'skip' && (testCase.room === 'kernel' || ids.length > 0))
          print(`${testCase.id} skipped: ${result.actual}`);
      }
      const count = (wanted: CaseResult['outcome']) =>
        results.filter(({ outcome }) => outcome === wanted).length;
      if (!json)
        print(
          `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped, on ${target.name}`,
        );
      if (count('fail') > 0) throw new CommandError(EXIT.no, `${count('fail')} cases fail`);
    });
}

async function targetOf(name: TargetName): Promise<Target> {
  if (name === 'sim') return (await import('@sevlab/conformance/targets/sim')).simTarget();
  const parts = guestParts();
  const { linuxTarget } = await import('@sevlab/conformance/targets/linux');
  return withQemu(() => linuxTarget(parts));
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
  target: TargetName,
): Promise<string> {
  const { id, title, clause } = testCase;
  const option = target === 'sim' ? '' : `--target ${target} `;
  return [
    `${id} ${title} (${clause})${profile ? `, under the profile ${profile}` : ''}`,
    `  expected ${JSON.stringify(expected)}`,
    `  got      ${JSON.stringify(actual)}`,
    `  again    sevlab conform ${option}${id}`,
    ...(testCase.room === 'kernel' ? await guestCommand(testCase) : []),
  ].join('\n');
}

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
