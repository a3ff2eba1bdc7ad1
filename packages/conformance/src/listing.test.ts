import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { allCases } from './cases.ts';
import { CHECKS, listChecks } from './listing.ts';

const listed = listChecks(allCases(), { name: 'without a room' });

it('has every numbered check once, in order', () => {
  const counts = new Map<string, number>();
  for (const { id } of CHECKS) {
    const [topic = '', number] = id.split('-');
    const next = (counts.get(topic) ?? 0) + 1;
    expect(Number(number), id).toBe(next);
    counts.set(topic, next);
  }
  expect(Object.fromEntries(counts)).toEqual({
    ...{ MBX: 9, PLT: 26, KEY: 32, ACT: 26, GST: 4, LST: 35, LUD: 14, LUV: 9, LME: 16, LSE: 47, LFI: 6 },
    ...{ ATT: 8, DBG: 9, SND: 7, RCV: 5, MEM: 9, ATK: 4, CLI: 4 },
    ...{ FT: 18, PD: 14, ST: 10, MM: 10, GU: 3 },
  });
  const of = (whose: string) => listed.filter((check) => check.of === whose).length;
  expect([of('AMD-SP'), of('OVMF')]).toEqual([270, 55]);
});

it.each(['AMD-SP', 'OVMF'])('leaves out fewer than ten of the %s, each with a reason', (whose) => {
  const leftOut = listed.filter(({ of, outcome }) => of === whose && outcome === 'left out');
  expect(leftOut.length).toBeLessThan(10);
  expect(leftOut.filter(({ why }) => why === undefined)).toEqual([]);
});

it('gives a reason or a test only where there is no case', () => {
  const both = listed.filter(({ cases, why, test }) => cases.length > 0 && (why ?? test) !== undefined);
  expect(both).toEqual([]);
});

it('names tests that there are', () => {
  for (const { id, test } of CHECKS) {
    if (test === undefined) continue;
    const source = readFileSync(new URL(`../../../${test.file}`, import.meta.url), 'utf8');
    expect(source, id).toContain(`'${test.name}'`);
  }
});

it('knows every case of the AMD-SP and of firmware', () => {
  const known = new Set(listed.flatMap(({ cases }) => cases));
  const unknown = allCases().filter(({ room, id }) => room !== 'kernel' && !known.has(id));
  expect(unknown).toEqual([]);
});

it('tells a target that answers nothing from one that passes', () => {
  expect(listed.filter(({ outcome }) => outcome === 'pass')).toEqual([]);
});
