import { describe, expect, it } from 'vitest';
import { type ExpectedResults, parseExpectedResults, updatedResults, verdictOf } from './expected-results.ts';
import type { CaseResult } from './run.ts';

const ids = new Set(['A-01', 'A-02', 'A-03']);
const file = (expected: object): string =>
  JSON.stringify({ format: 'sevlab-expected-results', version: 1, expected });
const known = (outcome: 'fail' | 'skip', reason = 'issue 12 of the firmware'): ExpectedResults =>
  parseExpectedResults(file({ 'A-01': { outcome, reason } }), ids);
const result = (outcome: CaseResult['outcome'], more: Partial<CaseResult> = {}): CaseResult => ({
  ...{ id: 'A-01', outcome, expected: {}, actual: 'not built in' },
  ...more,
});

describe('a verdict', () => {
  it.each([
    [result('pass'), undefined, 'passed'],
    [result('fail'), undefined, 'failed'],
    [result('skip'), undefined, 'skipped'],
    [result('fail'), known('fail'), 'known'],
    [result('skip'), known('skip'), 'known'],
    [result('pass'), known('fail'), 'unexpected'],
    [result('pass'), known('skip'), 'unexpected'],
    [result('fail'), known('skip'), 'unexpected'],
    [result('skip'), known('fail'), 'unexpected'],
    [result('pass', { id: 'A-02' }), known('fail'), 'passed'],
    [result('fail', { id: 'A-02' }), known('fail'), 'failed'],
    [result('skip', { id: 'A-02' }), known('fail'), 'unexpected'],
    [result('skip', { id: 'A-02', noRoom: true }), known('fail'), 'skipped'],
  ] as const)('%j beside %j is %s', (given, expected, as) => {
    expect(verdictOf(given, expected).as).toBe(as);
  });

  it('says what was expected and why', () => {
    expect(verdictOf(result('pass'), known('fail'))).toMatchObject({
      why: 'expected to fail (issue 12 of the firmware), and passes',
    });
  });
});

describe('a file', () => {
  it.each([
    ['no JSON', '{', /^no JSON: /],
    ['something else', '{}', /^expected {"format": "sevlab-expected-results"/],
    ['a later version', file({}).replace('1', '2'), /^expected/],
    [
      'an unknown id',
      file({ 'B-01': { outcome: 'fail', reason: 'a defect' } }),
      /^B-01: there is no such case/,
    ],
    ['an outcome that is none', file({ 'A-01': { outcome: 'pass', reason: 'x y' } }), /^A-01: expected/],
    ['no reason', file({ 'A-01': { outcome: 'fail' } }), /^A-01: expected/],
    [
      'an empty reason',
      file({ 'A-01': { outcome: 'fail', reason: ' ' } }),
      /^A-01: expected a reason, got " "/,
    ],
    [
      'Unknown as reason',
      file({ 'A-01': { outcome: 'fail', reason: 'Unknown.' } }),
      /^A-01: expected a reason/,
    ],
    ['TODO as reason', file({ 'A-01': { outcome: 'skip', reason: 'TODO' } }), /^A-01: expected a reason/],
    [
      'a word too many',
      file({ 'A-01': { outcome: 'fail', reason: 'old', link: 'x' } }),
      /^A-01: .* got link$/,
    ],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseExpectedResults(text, ids)).toThrow(message);
  });

  it('is told all that is wrong with it', () => {
    const text = file({ 'B-01': { outcome: 'fail', reason: '' }, 'A-02': 5 });
    expect(() => parseExpectedResults(text, ids)).toThrow(
      /^B-01: there.*\nB-01: expected a reason.*\nA-02: expected/,
    );
  });
});

describe('an update', () => {
  const before = parseExpectedResults(
    file({
      'A-01': { outcome: 'fail', reason: 'a defect' },
      'A-03': { outcome: 'skip', reason: 'too slow' },
      'Z-99': { outcome: 'fail', reason: 'a case that was taken away' },
    }),
    ids,
    { lenient: true },
  );

  it('keeps reasons that still apply, and entries of cases that did not run', () => {
    expect(updatedResults([result('fail')], ids, before).expected).toEqual({
      'A-01': { outcome: 'fail', reason: 'a defect' },
      'A-03': { outcome: 'skip', reason: 'too slow' },
    });
  });

  it('drops what passes now, and cases of a room that is not there', () => {
    const results = [result('pass'), result('skip', { id: 'A-03', noRoom: true })];
    expect(updatedResults(results, ids, before).expected).toEqual({});
  });

  it('gives a new failure no reason, so that the file is refused until somebody writes one', () => {
    const updated = updatedResults([result('fail', { id: 'A-02' }), result('skip')], ids);
    expect(updated.expected).toEqual({
      'A-01': { outcome: 'skip', reason: 'not built in' },
      'A-02': { outcome: 'fail', reason: '' },
    });
    expect(() => parseExpectedResults(JSON.stringify(updated), ids)).toThrow('A-02: expected a reason');
  });
});
