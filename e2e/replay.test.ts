import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sevlab = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(SEVLAB, args, { cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, NO_COLOR: '1' } });
const linesOf = (name: string): string[] => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
const write = (name: string, lines: readonly string[]): string => {
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  return name;
};

const SCENARIO = `version: 1
title: x
secrets: [{ guid: 736869e5-84f0-4973-92ec-06879ce3da0b, text: hello }]
matrix: { linux: ['6.1', '6.12'] }
steps: [{ do: offer }, { do: launch }, { do: measure }, { do: verify }, { do: seal }, { do: inject }, { do: finish }, { do: boot }]
`;

beforeAll(() => {
  writeFileSync(join(folder, 's.yaml'), SCENARIO);
  expect(sevlab('run', 's.yaml', '--only', '6.12', '--seed', 'a b', '--trace', 'run.jsonl').status).toBe(0);
  expect(sevlab('demo', '--quiet', '--linux', '6.1', '--reveal', '--trace', 'demo.jsonl').status).toBe(0);
});

describe('a trace', () => {
  it.each(['run.jsonl', 'demo.jsonl'])('%s comes out the same', (trace) => {
    expect(sevlab('replay', trace)).toMatchObject({
      ...{ status: 0, stderr: '' },
      stdout: `${trace}: the same, ${linesOf(trace).length} lines\n`,
    });
  });

  it.each([
    [
      'an event that is another',
      (lines: string[]) => lines.with(49, lines[49]!.replace(/"t":\d+/, '"t":1')),
      50,
    ],
    ['one that is missing', (lines: string[]) => lines.toSpliced(99, 1), 100],
    ['one too many', (lines: string[]) => [...lines, lines.at(-1)!], undefined],
    ['an end too early', (lines: string[]) => lines.slice(0, 150), 151],
    ['another seed', (lines: string[]) => lines.with(0, lines[0]!.replace('"a b"', '"c"')), undefined],
  ])('with %s is found out', (_, change, line) => {
    const { status, stderr } = sevlab('replay', write('changed.jsonl', change(linesOf('run.jsonl'))));
    expect(status).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^sevlab replay: changed\\.jsonl:${line ?? '\\d+'}: expected .*\ngot `),
    );
  });

  it('of another version is told, and compared all the same', () => {
    const [head = '', ...rest] = linesOf('run.jsonl');
    const old = write('old.jsonl', [head.replace(/"sevlab":"[^"]*"/, '"sevlab":"0.0.1"'), ...rest]);
    const { status, stderr } = sevlab('replay', old);
    expect({ status, told: stderr.includes('written by sevlab 0.0.1') }).toEqual({ status: 0, told: true });
  });

  it.each([
    ['no trace', 'hello'],
    ['another format', '{"format":"x","version":1}'],
    [
      'what vmm wrote',
      '{"format":"sevlab-trace","version":1,"sevlab":"0.1.0","command":"vmm","scenario":"","seed":""}',
    ],
  ])('that is %s is refused', (_, line) => {
    const { status, stderr } = sevlab('replay', write('bad.jsonl', [line]));
    expect(status).toBe(2);
    expect(stderr).toMatch(/bad\.jsonl.*: expected a trace/);
  });
});
