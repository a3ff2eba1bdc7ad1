import { countOf, type ReportedTest, type TestReport } from './test-report.ts';

/** The Common Test Report Format, specification 0.0. A failure that was expected has the status `other`. */
export function ctrfReport({ name, version, tests }: TestReport) {
  const duration = tests.reduce((sum, test) => sum + (test.duration ?? 0), 0);
  return {
    reportFormat: 'CTRF',
    specVersion: '0.0.0',
    generatedBy: `sevlab ${version}`,
    results: {
      tool: { name: 'sevlab', version, extra: { run: name, simulated: true } },
      summary: {
        tests: tests.length,
        passed: countOf({ tests }, 'passed'),
        failed: countOf({ tests }, 'failed'),
        skipped: countOf({ tests }, 'skipped'),
        pending: 0,
        other: countOf({ tests }, 'known'),
        suites: new Set(tests.map(({ suite }) => suite.join('\n'))).size,
        start: 0, // no clock is looked at: two runs give one report
        stop: duration,
        duration,
      },
      tests: tests.map(ctrfTest),
    },
  };
}

const ctrfTest = ({ name, suite, outcome, id, message, detail, duration = 0, labels }: ReportedTest) => ({
  ...(id !== undefined && { testId: id }),
  name,
  status: outcome === 'known' ? 'other' : outcome,
  ...(outcome === 'known' && { rawStatus: 'expected failure' }),
  duration,
  suite,
  ...(message !== undefined && { message }),
  ...(detail !== undefined && { trace: detail }),
  ...(labels !== undefined && { labels }),
});
