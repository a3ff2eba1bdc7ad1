import type { CaseResult } from './run.ts';

/** What somebody wrote down of a target that is not as every case has it. */
export interface ExpectedResults {
  readonly format: typeof FORMAT;
  readonly version: 1;
  /** By the id of the case; a case that is not here passes. */
  readonly expected: Readonly<Record<string, ExpectedResult>>;
}

export interface ExpectedResult {
  readonly outcome: 'fail' | 'skip';
  readonly reason: string;
}

const FORMAT = 'sevlab-expected-results';

/** Words that are there in place of a reason. */
const NO_REASON = /^\W*(unknown|todo|tbd|fixme|n\/?a|none|reason|because|broken|fails?|skip(ped)?)?\W*$/i;

/** A file that cannot be used; one line for each thing that is wrong. */
export class ExpectationError extends Error {
  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'));
    this.name = 'ExpectationError';
  }
}

/**
 * Reads such a file. `ids` are those of the suite. Throws ExpectationError: for text that is no such file, for a case
 * that does not exist, and, unless it is about to be written anew, for an entry without a reason.
 */
export function parseExpectedResults(
  text: string,
  ids: ReadonlySet<string>,
  { lenient = false }: { readonly lenient?: boolean } = {},
): ExpectedResults {
  const value = parsed(text);
  if (!isRecord(value) || value.format !== FORMAT || value.version !== 1 || !isRecord(value.expected))
    throw new ExpectationError([`expected {"format": "${FORMAT}", "version": 1, "expected": {…}}`]);
  const entries = Object.entries(value.expected);
  const complaints = entries.flatMap(([id, entry]) => complaintsOf(id, entry, ids, lenient));
  if (complaints.length > 0) throw new ExpectationError(complaints);
  return { format: FORMAT, version: 1, expected: value.expected as ExpectedResults['expected'] }; // looked at above
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ExpectationError([`no JSON: ${error.message}`]);
    throw error;
  }
}

function complaintsOf(id: string, entry: unknown, ids: ReadonlySet<string>, lenient: boolean): string[] {
  if (
    !isRecord(entry) ||
    !['fail', 'skip'].includes(String(entry.outcome)) ||
    typeof entry.reason !== 'string'
  )
    return [`${id}: expected {"outcome": "fail" or "skip", "reason": "…"}, got ${JSON.stringify(entry)}`];
  const extra = Object.keys(entry).filter((key) => key !== 'outcome' && key !== 'reason');
  return [
    ...extra.map((key) => `${id}: expected outcome and reason only, got ${key}`),
    ...(ids.has(id) || lenient ? [] : [`${id}: there is no such case; try sevlab conform --list`]),
    ...(NO_REASON.test(entry.reason) && !lenient
      ? [`${id}: expected a reason, got ${JSON.stringify(entry.reason)}; say why, or what keeps it so`]
      : []),
  ];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a result is beside what was expected of it. */
export type Verdict =
  | { readonly as: 'passed' | 'failed' | 'skipped' }
  /** It fails or is skipped, as was written down. */
  | { readonly as: 'known'; readonly reason: string }
  /** It does otherwise than was written down, or is skipped and nobody wrote that down. */
  | { readonly as: 'unexpected'; readonly why: string };

/** `file` is what was written down, if anything: without it a case may be skipped. */
export function verdictOf(result: CaseResult, file?: ExpectedResults): Verdict {
  const { id, outcome, noRoom = false } = result;
  const expected = file?.expected[id];
  if (expected === undefined) {
    if (outcome === 'skip' && file !== undefined && !noRoom)
      return { as: 'unexpected', why: `skipped, and not expected to be: ${result.actual}` };
    return { as: ({ pass: 'passed', fail: 'failed', skip: 'skipped' } as const)[outcome] };
  }
  const { reason } = expected;
  if (outcome === expected.outcome) return { as: 'known', reason };
  const wanted = { fail: 'fail', skip: 'be skipped' }[expected.outcome];
  const got = { pass: 'passes', fail: 'fails', skip: 'is skipped' }[outcome];
  return { as: 'unexpected', why: `expected to ${wanted} (${reason}), and ${got}` };
}

/**
 * The file that fits these results: reasons stay where they still apply, a skipped case has the target's own words, and a
 * failure that is new has an empty reason, with which the file is not taken. Entries of cases that did not run stay, if
 * there are such cases.
 */
export function updatedResults(
  results: readonly CaseResult[],
  ids: ReadonlySet<string>,
  before?: ExpectedResults,
): ExpectedResults {
  const ran = new Set(results.map(({ id }) => id));
  const kept = Object.entries(before?.expected ?? {}).filter(([id]) => !ran.has(id) && ids.has(id));
  const found = results
    .filter(({ outcome, noRoom }) => outcome === 'fail' || (outcome === 'skip' && !noRoom))
    .map(({ id, outcome, actual }): [string, ExpectedResult] => {
      const known = before?.expected[id];
      const own = outcome === 'skip' ? String(actual) : '';
      const reason = known !== undefined && known.outcome === outcome ? known.reason : own;
      return [id, { outcome: outcome === 'fail' ? 'fail' : 'skip', reason }];
    });
  const sorted = [...kept, ...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { format: FORMAT, version: 1, expected: Object.fromEntries(sorted) };
}
