import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { allCases } from './cases.ts';
import { CHECKS, FAULTS, listChecks, type NamedTest } from './listing.ts';

const listed = listChecks(allCases(), { name: 'without a room' });

/** How many checks a topic, the letters in front of the number, has. */
const TOPICS = {
  'AMD-SP': {
    ...{ MBX: 9, PLT: 33, KEY: 40, ACT: 29, GST: 5, LST: 37, LUD: 17, LUV: 13, LME: 16, LSE: 51, LFI: 6 },
    ...{ ATT: 9, DBG: 12, SND: 16, RCV: 10, MEM: 10, ATK: 4, CLI: 4, ORD: 23 },
  },
  QEMU: { QST: 29, QMP: 42, QRY: 23, INJ: 64, RUN: 11 },
  'guest owner': { CHN: 32, SES: 13, MEA: 42, PKT: 16 },
  OVMF: { FT: 20, IN: 6, PD: 14, HT: 21, ST: 10, MM: 10, GU: 3, LX: 21, RS: 6, GR: 4 },
  Linux: { EFI: 18, DEV: 14, DSC: 15, PRS: 29, RD: 20, DEL: 19, NEG: 18, UNL: 8, MEM: 4, CON: 8, LOG: 2 },
} as const;

it.each(Object.entries(TOPICS))('has every numbered check of %s once, in order', (whose, topics) => {
  const counts = new Map<string, number>();
  for (const { id, of } of CHECKS) {
    if (of !== whose) continue;
    const [topic = '', number] = id.split('-');
    const before = counts.get(topic) ?? 0;
    const skipped = id === 'HT-21' ? 1 : 0; // there never was an HT-20
    expect(Number(number), id).toBe(before + 1 + skipped);
    counts.set(topic, before + 1 + skipped);
  }
  expect(Object.fromEntries(counts)).toEqual(topics);
});

it.each([
  ['AMD-SP', 344, 10],
  ['QEMU', 169, 1],
  ['guest owner', 103, 1],
  ['OVMF', 114, 5],
  ['Linux', 155, 8],
])('of the checks of %s, %i, leaves out fewer than %i, each with a reason', (whose, count, limit) => {
  const own = listed.filter(({ of }) => of === whose);
  expect(own).toHaveLength(count);
  const leftOut = own.filter(({ outcome }) => outcome === 'left out');
  expect(leftOut.length).toBeLessThan(limit);
  expect(leftOut.filter(({ why }) => why === undefined)).toEqual([]);
});

it('gives a reason or a test only where there is no case', () => {
  const both = listed.filter(({ cases, why, test }) => cases.length > 0 && (why ?? test) !== undefined);
  expect(both).toEqual([]);
});

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

/** Fails unless there is a test, or recorded answer, of that name. */
function expectTest(what: string, { file, name, row }: NamedTest): void {
  expect(read(file), what).toContain(`'${name}'`);
  if (row === undefined) return;
  const quoted = JSON.stringify(row.name);
  const forms = ['"name":', '"name": ', '"call":'].map((key) => key + quoted);
  const recorded = read(row.file);
  expect(
    forms.some((form) => recorded.includes(form)),
    `${what}: ${row.name}`,
  ).toBe(true);
}

it('names tests and cases that there are', () => {
  const ids = allCases().map(({ id }) => id);
  for (const { id, test, cases = [] } of CHECKS) {
    if (test !== undefined) expectTest(id, test);
    expect(ids, id).toEqual(expect.arrayContaining([...cases]));
  }
});

it('shows every fault by checks or a test, or says why not', () => {
  expect(FAULTS).toHaveLength(38);
  const held = listed.filter(({ outcome }) => outcome !== 'left out').map(({ id }) => id);
  for (const { fault, checks = [], test, scenario, why } of FAULTS) {
    if (scenario !== undefined) expect(read(scenario), fault).toContain('lesson:');
    expect(held, fault).toEqual(expect.arrayContaining([...checks]));
    if (test !== undefined) expectTest(fault, test);
    expect(checks.length > 0 || test !== undefined, fault).toBe(why === undefined);
  }
  expect(FAULTS.filter(({ why }) => why !== undefined)).toHaveLength(2);
});

it('knows every case', () => {
  const known = new Set(listed.flatMap(({ cases }) => cases));
  expect(allCases().filter(({ id }) => !known.has(id))).toEqual([]);
});

it('tells a target that answers nothing from one that passes', () => {
  expect(listed.filter(({ outcome }) => outcome === 'pass')).toEqual([]);
});
