import { toHex } from '@sevlab/codec/bytes';
import type { Case, KernelCase } from '@sevlab/conformance/case';
import type { CaseResult } from '@sevlab/conformance/run';
import { shellWord } from '../shell-word.ts';

/** What failed, and how to see it again. */
export async function describeFailure(
  testCase: Case,
  { profile, expected, actual }: CaseResult,
  target: string,
): Promise<string> {
  const { id, title, clause } = testCase;
  const option = target === 'sim' ? '' : `--target ${shellWord(target)} `;
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
