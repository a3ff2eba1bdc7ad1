/** Results of tests, for the formats that CI reads: junit.ts, ctrf.ts. */
export interface TestReport {
  /** What was run: `sevlab conform on sim`. */
  readonly name: string;
  /** Of sevlab. */
  readonly version: string;
  readonly tests: readonly ReportedTest[];
}

export interface ReportedTest {
  /** Unique within its suite. */
  readonly name: string;
  /** From the outermost on; at least one. */
  readonly suite: readonly string[];
  /** `known`: it fails, as somebody wrote down with a reason. */
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'known';
  /** Never changes, whatever becomes of the name. */
  readonly id?: string;
  /** Why it failed or was skipped, in one line. */
  readonly message?: string;
  /** More of that, in lines. */
  readonly detail?: string;
  /** Milliseconds. Nothing here looks at a clock, so that two runs give one report. Default: 0. */
  readonly duration?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** How many tests came out so. */
export const countOf = ({ tests }: Pick<TestReport, 'tests'>, outcome: ReportedTest['outcome']): number =>
  tests.filter((test) => test.outcome === outcome).length;
