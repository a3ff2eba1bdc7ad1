import type { Place } from '../scenario/load.ts';
import { countOf, type ReportedTest, type TestReport } from './test-report.ts';

/**
 * A line that GitHub's runner shows at the place (GitHub Docs, "Workflow commands for GitHub Actions"): the first line of
 * the message is its title.
 */
export function errorAnnotation(message: string, place?: Place): string {
  const [title = '', ...rest] = message.split('\n');
  const properties = {
    ...(place && { file: place.file, line: place.line, col: place.column }),
    title,
  };
  const list = Object.entries(properties).map(([name, value]) => `${name}=${property(String(value))}`);
  return `::error ${list.join(',')}::${data(rest.length > 0 ? rest.join('\n') : title)}`;
}

const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

const SIGNS: Readonly<Record<ReportedTest['outcome'], string>> = {
  ...{ passed: 'as expected', failed: '**deviates**', skipped: 'skipped', known: 'deviates, as is known' },
};

/** A page of Markdown for the summary of a job: the suites in a table, and what deviates behind it. */
export function jobSummary(report: TestReport): string {
  const suites = new Map<string, ReportedTest[]>();
  for (const test of report.tests) suites.set(suiteOf(test), [...(suites.get(suiteOf(test)) ?? []), test]);
  const rows = [...suites].map(([suite, tests]) => {
    const worst = tests.find(({ outcome }) => outcome === 'failed') ?? tests[0]!; // a suite has a test
    return `| ${cell(suite)} | ${tests.length} | ${SIGNS[worst.outcome]} |`;
  });
  const failed = report.tests.filter(({ outcome }) => outcome === 'failed');
  return [
    ...[`## ${cell(report.name)}`, ''],
    `${countOf(report, 'passed')} passed, ${failed.length} failed, ${countOf(report, 'skipped')} skipped; simulated by sevlab ${report.version}`,
    ...['', '| | Tests | Outcome |', '| --- | --- | --- |', ...rows],
    ...failed.flatMap((test) => ['', `### ${cell(suiteOf(test))}: ${cell(test.name)}`, '', ...fenced(test)]),
    '',
  ].join('\n');
}

const suiteOf = ({ suite }: ReportedTest): string => suite.join(' > ');

/** Text in a table or a heading. */
const cell = (text: string): string => text.replace(/[\\|<>`*_[\]]/g, '\\$&').replaceAll('\n', ' ');

/** Lines as they are, whatever they hold. */
function fenced({ message = '', detail = message }: ReportedTest): string[] {
  const longest = Math.max(2, ...[...detail.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [fence, detail, fence];
}
