import { clauseOf } from '@sevlab/conformance/clause';
import type { ReportedTest, TestReport } from '../report/test-report.ts';
import { VERSION } from '../version.ts';
import type { JudgedCase } from './verdicts.ts';

/** The suite's results for the formats that CI reads: documents and their clauses are the suites. */
export const caseReport = (judged: readonly JudgedCase[], target: string): TestReport => ({
  name: `sevlab conform on ${target}`,
  version: VERSION,
  tests: judged.map(reportedTest),
});

function reportedTest(judged: JudgedCase): ReportedTest {
  const { id, title, clause, severity, room, flags = [] } = judged.testCase;
  const { document, title: clauseTitle } = clauseOf(clause);
  return {
    ...{ id, name: title, suite: [document, clauseTitle] },
    labels: { room, severity, ...(flags.length > 0 && { flags: flags.join(' ') }) },
    ...outcomeOf(judged),
  };
}

function outcomeOf({ result, verdict }: JudgedCase): Pick<ReportedTest, 'outcome' | 'message' | 'detail'> {
  const { expected, actual } = result;
  const detail = `expected ${JSON.stringify(expected)}\ngot      ${JSON.stringify(actual)}`;
  switch (verdict.as) {
    case 'passed':
      return { outcome: 'passed' };
    case 'skipped':
      return { outcome: 'skipped', message: String(actual) };
    case 'known':
      return result.outcome === 'skip'
        ? { outcome: 'skipped', message: verdict.reason }
        : { outcome: 'known', message: verdict.reason, detail };
    case 'failed':
      return { outcome: 'failed', message: `got ${JSON.stringify(actual)}`, detail };
    case 'unexpected':
      return { outcome: 'failed', message: verdict.why, detail };
  }
}
