import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-fuzz-'));
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const fuzz = (...words: string[]) => typeIn(folder, 'fuzz', ...words);

const SMALL = [
  '--runs',
  '1600',
  '--seed',
  'rehearsal',
  '--door',
  'qemu-arguments',
  'certificate-file',
  'packet',
];

describe('a campaign in shards', () => {
  const whole = fuzz(...SMALL, '--output', 'whole.jsonl');

  it('is, merged, the unsharded one to the byte', () => {
    expect(whole).toMatchObject({ status: 0 });
    const shards = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `shard-${number}.jsonl`);
    shards.forEach((file, i) => {
      const workers = `${1 + (i % 2)}`;
      const { status } = fuzz(...SMALL, '--shard', `${i + 1}/8`, '--workers', workers, '--output', file);
      expect(status).toBe(0);
    });
    expect(fuzz('merge', ...shards.toReversed(), '--output', 'merged.jsonl').status).toBe(0);
    expect(read('merged.jsonl')).toBe(read('whole.jsonl'));
    expect(fuzz('merge', ...shards.slice(1)).stderr).toMatch(/expected \d+ cases, each once/);
    expect(fuzz('merge', ...shards, 'shard-3.jsonl').stderr).toMatch(
      /expected each shard once, got 3\/8 again/,
    );
  }, 120_000);

  it('is gone on with where it was broken off, in the middle of a line', () => {
    const text = read('whole.jsonl');
    writeFileSync(join(folder, 'broken-off.jsonl'), text.slice(0, Math.floor(text.length * 0.6)));
    expect(fuzz('--resume', 'broken-off.jsonl').status).toBe(0);
    expect(read('broken-off.jsonl')).toBe(text);
  });

  it('is not written over', () => {
    const { status, stderr } = fuzz(...SMALL, '--output', 'whole.jsonl');
    expect([status, stderr]).toEqual([2, expect.stringContaining('try --resume whole.jsonl')]);
  });
});

describe('sevlab fuzz', () => {
  it('draws a seed and prints it, and another one the next time', () => {
    const seeds = [1, 2].map(() => {
      const { stderr } = fuzz('--runs', '5', '--door', 'qemu-arguments', '--workers', '1');
      return /seed ([0-9a-f]{12}), drawn/.exec(stderr)?.[1];
    });
    expect(seeds).toEqual([expect.any(String), expect.any(String)]);
    expect(seeds[0]).not.toBe(seeds[1]);
  });

  it('shows one case again', () => {
    const words = ['--door', 'shell', '--seed', 'one', '--only', '3', '--json'];
    const { status, stdout } = fuzz(...words);
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { door: 'shell', index: 3, failure: null }]);
    expect(fuzz(...words).stdout).toBe(stdout);
  });

  it.each([
    [['--door', 'window'], /--door window: expected one of structure, /],
    [['--shard', '9/8'], /expected the number of a shard and of all shards, such as 2\/8, got 9\/8/],
    [['--runs', 'many'], /--runs many: expected a whole number of at least 1/],
    [['--only', '1'], /--only: expected --door with one name, and --seed/],
    [['--resume', 'nothing.jsonl'], /nothing.jsonl: .*expected results of sevlab fuzz/],
    [['merge', 'nothing.jsonl'], /nothing.jsonl: .*expected results of sevlab fuzz/],
  ])('refuses %j', (words, message) => {
    const { status, stderr } = fuzz(...words);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

it('every door runs, writes nothing beside what was asked for, and finds nothing', () => {
  const { status, stdout, stderr } = fuzz('--runs', '1700', '--seed', 'every door', '--report', 'report.md');
  expect([status, stderr.split('\n').filter((line) => line.startsWith('sevlab fuzz: ')).length]).toEqual([
    0, 1,
  ]);
  expect(stdout).toMatch(/cases in .*: no failure\n$/);
  const report = read('report.md');
  expect(report).toMatch(/^# Report of a fuzz campaign\n/);
  const doors = fuzz('--list').stdout.match(/^\S+/gm);
  expect(Array.from(report.matchAll(/^\| (\S+) \| \d+ \|/gm), ([, door]) => door)).toEqual(doors);
  expect(existsSync(join(folder, 'fuzz-failures'))).toBe(false);
  expect(readdirSync(folder).filter((name) => !/\.(jsonl|md)$/.test(name))).toEqual([]);
}, 120_000);
