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
  expect(counts).toEqual([4, 2, 2, 17, 0, 4]);
});

it('notices what is taken away', () => {
  const some = allCases().filter(({ id }) => /^(KEY-17|MBX-|NEG-|SND-06|INJ-07|INJ-19)/.test(id));
  const before = coverageOf(some);
  const added = (kind: (typeof KINDS)[number], topic: string) => {
    const named = before[kind].map(({ what }) => what);
    return coverageOf(some.filter(({ id }) => !id.startsWith(topic)))
      [kind].map(({ what }) => what)
      .filter((what) => !named.includes(what));
  };
  expect(added('transitions', 'SND-')).toContain('guest: SUPDATE, SEND_CANCEL, RUNNING');
  expect(added('clauses', 'MBX-')).toContain('NOP');
  expect(added('errno', 'NEG-')).toContain('ENOTDIR');
  expect(added('statuses', 'KEY-')).toContain('ALREADY_OWNED');
  expect(added('messages', 'INJ-')).toContain('no secret area');
});
