import type { Case } from '@sevlab/conformance/case';
import type { CaseResult } from '@sevlab/conformance/run';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { print } from './output.ts';

/** sevlab conform: the suite, clause by clause, against the simulator. */
export function addConform(program: Command): void {
  program
    .command('conform')
    .description('run the conformance suite against the simulator')
    .argument('[id...]', 'only these cases, such as LSE-19')
    .option('--list', 'list the cases and run none')
    .option('--json', 'JSON Lines: one document per case')
    .action(async (ids: string[], { list, json }: { list?: boolean; json?: boolean }) => {
      const { allCases } = await import('@sevlab/conformance/cases'); // the cases are needed here only
      const cases = choose(allCases(), ids);
      if (list) {
        for (const { id, title, clause } of cases)
          print(json ? JSON.stringify({ id, title, clause }) : `${id.padEnd(8)} ${title} (${clause})`);
        return;
      }
      const { runCase } = await import('@sevlab/conformance/run');
      const { simTarget } = await import('@sevlab/conformance/targets/sim');
      const target = simTarget();
      const results = cases.map((testCase) => ({ testCase, result: runCase(testCase, target) }));
      for (const { testCase, result } of results) {
        if (json) print(JSON.stringify({ ...result, title: testCase.title, clause: testCase.clause }));
        else if (result.outcome === 'fail') print(describeFailure(testCase, result));
      }
      const count = (outcome: CaseResult['outcome']) =>
        results.filter(({ result }) => result.outcome === outcome).length;
      if (!json)
        print(
          `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped, on ${target.name}`,
        );
      if (count('fail') > 0) throw new CommandError(EXIT.no, `${count('fail')} cases fail`);
    });
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

const describeFailure = ({ id, title, clause }: Case, { profile, expected, actual }: CaseResult): string =>
  `${id} ${title} (${clause})${profile ? `, under the profile ${profile}` : ''}\n  expected ${JSON.stringify(expected)}\n  got      ${JSON.stringify(actual)}\n  again    sevlab conform ${id}`;
