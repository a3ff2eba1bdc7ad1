import { stripVTControlCharacters } from 'node:util';
import { STAGES } from '@sevlab/story/stages';
import { describe, expect, it } from 'vitest';
import { demoLines } from './demo-text.ts';
import { loadScenario } from './scenario/load.ts';
import { runScenario } from './scenario/run.ts';
import { setupOf } from './scenario/setup.ts';

const file = new URL('../scenarios/kernel-documentation.yaml', import.meta.url).pathname;
const { scenario } = loadScenario(file);
const { setup, secrets } = setupOf(scenario, file, { record: true });
const run = runScenario(scenario, file, setup, secrets);
const linesOf = (style: Parameters<typeof demoLines>[1]) => [...demoLines(run, style)];

describe('the demonstration in words', () => {
  const plain = linesOf({ colour: false, width: 80 });

  it('tells every stage: who acts, what it sees and cannot see, and the clause', () => {
    for (const [i, { title }] of STAGES.entries())
      expect(plain.some((line) => line.startsWith(`${i + 1}  ${title}`))).toBe(true);
    for (const label of ['sees', 'cannot see', 'clause']) {
      expect(plain.filter((line) => line.startsWith(`   ${label} `)).length).toBeGreaterThanOrEqual(
        STAGES.length,
      );
    }
  });

  it('has the shell session in it, line by line', () => {
    let at = -1;
    for (const { step, output = '' } of run.results) {
      if (!('shell' in step)) continue;
      at = plain.indexOf(`     # ${step.shell}`, at + 1);
      expect(at).not.toBe(-1);
      const shown = output.split('\n').slice(0, -1);
      expect(plain.slice(at + 1, at + 1 + shown.length)).toEqual(shown.map((line) => `     ${line}`));
    }
  });

  it.each([60, 80, 100])('fits into %i columns, but for what the guest prints and paths', (width) => {
    const long = linesOf({ colour: false, width }).filter(
      (line) => line.length > width && !line.startsWith('     ') && !line.includes('/'),
    );
    expect(long).toEqual([]);
  });

  it('is plain text without colour, and the same text with it', () => {
    const coloured = linesOf({ colour: true, width: 80 });
    expect(plain.filter((line) => line !== stripVTControlCharacters(line))).toEqual([]);
    expect(coloured.filter((line) => line !== stripVTControlCharacters(line)).length).toBeGreaterThan(20);
    expect(coloured.map(stripVTControlCharacters)).toEqual(plain);
  });

  it('leaves no trace of having looked', () => {
    const before = run.pipeline.observer.events.length;
    linesOf({ colour: false, width: 80 });
    expect(run.pipeline.observer.events.length).toBe(before);
  });

  it('shows the host other bytes than the guest', () => {
    const at = plain.findIndex((line) => line.startsWith('The same bytes, for the host and for the guest'));
    const views = plain
      .slice(at)
      .filter((line) => /^ {5}(host|guest) {2,3}[0-9a-f]/.test(line))
      .map((line) => line.slice(12));
    expect(new Set(views).size).toBe(views.length);
    expect(views.some((line) => line.includes('|Patient 4711: bl|'))).toBe(true);
  });
});
