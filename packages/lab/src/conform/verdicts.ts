import type { Case } from '@sevlab/conformance/case';
import type { Verdict } from '@sevlab/conformance/expected-results';
import type { CaseResult } from '@sevlab/conformance/run';

/** A case, what became of it, and what that is beside what was expected. */
export interface JudgedCase {
  readonly testCase: Case;
  readonly result: CaseResult;
  readonly verdict: Verdict;
}

export type VerdictCounts = Readonly<Record<Verdict['as'], number>>;

export function countVerdicts(judged: readonly JudgedCase[]): VerdictCounts {
  const count = (wanted: Verdict['as']) => judged.filter(({ verdict }) => verdict.as === wanted).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    known: count('known'),
    unexpected: count('unexpected'),
  };
}

/** `5 passed, 0 failed, 2 skipped`, and what there is besides. */
export const toldCounts = ({ passed, failed, skipped, known, unexpected }: VerdictCounts): string =>
  [
    `${passed} passed, ${failed} failed, ${skipped} skipped`,
    ...(known > 0 ? [`${known} as expected`] : []),
    ...(unexpected > 0 ? [`${unexpected} unexpected`] : []),
  ].join(', ');
