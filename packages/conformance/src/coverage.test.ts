import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import reasons from '../cases/gaps.json' with { type: 'json' };
import { allCases } from './cases.ts';
import { coverageOf, type Gap } from './coverage.ts';

const coverage = coverageOf(allCases());
const KINDS = ['clauses', 'statuses', 'answers', 'errno', 'transitions', 'messages'] as const;

describe.each(KINDS)('the gaps of %s', (kind) => {
  const found: readonly Gap[] = coverage[kind];

  it('have a reason each', () => {
    expect(found.filter(({ why }) => why === undefined || why.length < 10).map(({ what }) => what)).toEqual(
      [],
    );
  });

  it('are all that there are reasons for', () => {
    const named = found.map(({ what }) => (kind === 'answers' ? what.split(':')[0] : what));
    expect(Object.keys(reasons[kind]).toSorted()).toEqual(named.toSorted());
  });

  it('name files and cases that there are', () => {
    const ids = allCases().map(({ id }) => id);
    for (const { why = '' } of found) {
      for (const [path] of why.matchAll(/packages\/[\w./-]*\w/g))
        expect(existsSync(new URL(`../../../${path}`, import.meta.url)), path).toBe(true);
      for (const [id] of why.matchAll(/\b[A-Z]{3}-\d+[a-z]?\b/g)) expect(ids).toContain(id);
    }
  });
});

it('are few', () => {
  const counts = KINDS.map((kind) => coverage[kind].length);
  expect(counts).toEqual([4, 2, 6, 17, 0, 4]);
});

it('notices what is taken away', () => {
  const without = (wanted: (id: string) => boolean) => coverageOf(allCases().filter(({ id }) => !wanted(id)));
  const added = (kind: (typeof KINDS)[number], wanted: (id: string) => boolean) => {
    const before = coverage[kind].map(({ what }) => what);
    return without(wanted)
      [kind].map(({ what }) => what)
      .filter((what) => !before.includes(what));
  };
  expect(added('transitions', (id) => id.startsWith('SND-'))).toContain(
    'guest: SUPDATE, SEND_CANCEL, RUNNING',
  );
  expect(added('clauses', (id) => id.startsWith('MBX-'))).toEqual(['NOP']);
  expect(added('errno', (id) => id.startsWith('NEG-'))).toContain('ENOTDIR');
  expect(added('messages', (id) => id === 'INJ-07' || id === 'INJ-19')).toEqual(['no secret area']);
  expect(added('statuses', (id) => id.startsWith('LSE-') || id.startsWith('LST-'))).not.toEqual([]);
});
