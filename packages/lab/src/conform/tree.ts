import { clauseOf } from '@sevlab/conformance/clause';
import { groupBy } from './group-by.ts';
import type { JudgedCase } from './verdicts.ts';

const MARKS = {
  passed: 'ok',
  failed: 'FAIL',
  skipped: 'skip',
  known: 'known',
  unexpected: 'UNEXPECTED',
} as const;

/** Every case below its clause, and that below its document, in the order of the cases. */
export function clauseTree(judged: readonly JudgedCase[]): string {
  const documents = groupBy(judged, ({ testCase }) => clauseOf(testCase.clause).document);
  return [...documents]
    .flatMap(([document, ofDocument]) => {
      const titles = groupBy(ofDocument, ({ testCase }) => clauseOf(testCase.clause).title);
      return [document, ...[...titles].flatMap(([title, own]) => [`  ${title}`, ...caseLines(own)])];
    })
    .join('\n');
}

function caseLines(judged: readonly JudgedCase[]): string[] {
  const reasons = new Set(judged.map(({ result, verdict }) => verdict.as === 'skipped' && result.actual));
  const [only] = reasons;
  if (reasons.size === 1 && only !== false) return [`    skip   all ${judged.length}: ${only}`];
  return judged.map(caseLine);
}

function caseLine({ testCase: { id, title, severity }, result, verdict }: JudgedCase): string {
  const line = `    ${MARKS[verdict.as].padEnd(6)} ${id.padEnd(8)} ${title}`;
  switch (verdict.as) {
    case 'passed':
      return line;
    case 'failed':
      return `${line} [${severity}]`;
    case 'skipped':
      return `${line}: ${result.actual}`;
    case 'known':
      return `${line}: ${verdict.reason}`;
    case 'unexpected':
      return `${line} [${severity}]: ${verdict.why}`;
  }
}
