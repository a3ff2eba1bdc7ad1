import { countOf, type ReportedTest, type TestReport } from './test-report.ts';

/**
 * JUnit XML, of the elements and attributes that Jenkins, GitLab and GitHub's actions read (Jenkins' xunit plugin,
 * junit-10.xsd). A failure that was expected is `skipped`, with its reason.
 */
export function junitXml({ name, tests }: TestReport): string {
  const body = [...grouped(tests)].map(([suite, own]) => suiteXml(suite, own)).join('');
  const counts = `tests="${tests.length}" failures="${countOf({ tests }, 'failed')}" errors="0"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${escaped(name)}" ${counts} time="${seconds(tests)}">
${body}</testsuites>
`;
}

/** In the order in which each suite comes first. */
function grouped(tests: readonly ReportedTest[]): Map<string, ReportedTest[]> {
  const suites = new Map<string, ReportedTest[]>();
  for (const test of tests) {
    const suite = test.suite.join(' > ');
    suites.set(suite, [...(suites.get(suite) ?? []), test]);
  }
  return suites;
}

function suiteXml(suite: string, tests: readonly ReportedTest[]): string {
  const skipped = countOf({ tests }, 'skipped') + countOf({ tests }, 'known');
  const counts = `tests="${tests.length}" failures="${countOf({ tests }, 'failed')}" errors="0" skipped="${skipped}"`;
  return `  <testsuite name="${escaped(suite)}" ${counts} time="${seconds(tests)}">
${tests.map((test) => caseXml(suite, test)).join('')}  </testsuite>
`;
}

function caseXml(suite: string, test: ReportedTest): string {
  const { name, id, outcome, message = '', detail } = test;
  const title = id === undefined ? name : `${id} ${name}`;
  const head = `    <testcase classname="${escaped(suite)}" name="${escaped(title)}" time="${seconds([test])}"`;
  switch (outcome) {
    case 'passed':
      return `${head}/>\n`;
    case 'failed':
      return `${head}>
      <failure message="${escaped(message)}">${escaped(detail ?? message)}</failure>
    </testcase>
`;
    case 'skipped':
    case 'known': {
      const why = outcome === 'known' ? `expected failure: ${message}` : message;
      return `${head}>\n      <skipped message="${escaped(why)}"/>\n    </testcase>\n`;
    }
  }
}

const seconds = (tests: readonly ReportedTest[]): string =>
  (tests.reduce((sum, { duration = 0 }) => sum + duration, 0) / 1000).toFixed(3);

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' },
  ...{ '\n': '&#10;', '\r': '&#13;', '\t': '&#9;' },
};

/** As text or attribute. Characters that XML 1.0 cannot have become U+FFFD. */
const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"\n\r\t]/g, (letter) => ENTITIES[letter]!);
