import { readFileSync } from 'node:fs';
import type { Actor } from '@sevlab/codec/trace';
import { expect, test } from 'vitest';
import { loadTrace, shortTitle } from '../loaded-trace.ts';
import { arrowOf } from './arrow.ts';
import { CLOSED_LANES, laneOf, OPEN_LANES } from './lanes.ts';
import { rowOfSteps, rowsOf } from './rows.ts';

const recorded = new URL('../../../story/test/vectors/launch.trace.jsonl', import.meta.url);
const { steps } = loadTrace(readFileSync(recorded, 'utf8'));
const step = (title: string) => steps.find((each) => each.title.startsWith(title))!;

test('every step has a row, and every stage that it gets to a heading in front', () => {
  const rows = rowsOf(steps);
  expect(rows.flatMap((row) => ('step' in row ? [row.step] : []))).toEqual(steps);
  const headings = rows.flatMap((row) => ('stage' in row ? [row.stage.id] : []));
  expect(headings).toEqual([...new Set(steps.map(({ stage }) => stage))]);
  for (const [index, row] of rowOfSteps(rows).entries()) expect(rows[row]).toEqual({ step: steps[index] });
});

const ACTORS: readonly Actor[] = [
  ...(['guest-owner', 'host', 'amd-sp', 'memory', 'disk', 'firmware', 'kernel', 'user'] as const),
];

test.each([OPEN_LANES, CLOSED_LANES])('every actor has a lane', (...lanes) => {
  expect(ACTORS.map((actor) => laneOf(lanes, actor))).not.toContain(-1);
});

test('a command goes to the AMD-SP, and on to memory as noise only where it writes under a key', () => {
  const [host, sp, memory] = [1, 2, 3];
  expect(arrowOf(OPEN_LANES, step('LAUNCH_SECRET: a sealed'))).toMatchObject({
    ...{ from: host, to: sp, party: 'host', refused: false },
    aside: { from: sp, to: memory, noise: true },
  });
  expect(arrowOf(OPEN_LANES, step('LAUNCH_MEASURE')).aside?.noise).toBe(false);
  expect(arrowOf(OPEN_LANES, step('DF_FLUSH')).aside).toBeUndefined();
});

test('what crosses to the host as a packet is noise; certificates and measurement are not', () => {
  const noise = steps.filter((each) => arrowOf(OPEN_LANES, each).noise).map(({ title }) => title);
  expect(noise).toEqual(['The guest owner sends the sealed secrets']);
});

test('where there is little room, a command is its name and a shell line what was typed', () => {
  expect(shortTitle(step('LAUNCH_START'))).toBe('LAUNCH_START');
  expect(shortTitle(step('Shell: '))).toMatch(/^# /);
  expect(shortTitle(step('The kernel finds'))).toContain('registers efi_secret.0');
});
