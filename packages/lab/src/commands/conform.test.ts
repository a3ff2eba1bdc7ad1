import { allCases } from '@sevlab/conformance/cases';
import { runCase } from '@sevlab/conformance/run';
import { simTarget } from '@sevlab/conformance/targets/sim';
import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { describeFailure } from '../conform/failure.ts';
import { addGuest } from './guest.ts';

afterEach(() => vi.restoreAllMocks());

const sim = simTarget();

async function described(id: string, target: 'sim' | 'linux'): Promise<string> {
  const testCase = allCases().find((each) => each.id === id)!;
  return describeFailure(testCase, { ...runCase(testCase, sim), outcome: 'fail' }, target);
}

it('tells of a failure how to see it again', async () => {
  expect(await described('LSE-19', 'sim')).toMatch(/\n {2}again {4}sevlab conform LSE-19$/);
  expect(await described('EFI-03', 'linux')).toMatch(/\n {2}again {4}sevlab conform --target linux EFI-03$/);
});

it('tells of a failure on an area the command for the emulated kernel alone, which does what the case does', async () => {
  const [, line = ''] = /\n {2}alone {4}sevlab (.*)$/.exec(await described('DEL-02', 'linux')) ?? [];
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  const program = new Command().exitOverride();
  addGuest(program);
  program.parse(words, { from: 'user' });
  const { probe, ops } = JSON.parse(text);
  expect(probe).toEqual({ via: 'bind', rc: 0, bound: true });
  expect(ops.map(({ err = null }) => err)).toEqual([null, 'ENOENT', 'ENOENT', 'ENOENT']);
});
