import { isDeepStrictEqual } from 'node:util';
import type { Case, KernelCase } from './case.ts';
import type { Passage } from './passage.ts';
import { GivenNotReached, NotHere, type Outcome, PartAnswer, type Target } from './target.ts';

/** What became of a case. */
export interface CaseResult {
  readonly id: string;
  /** What failed is the run under the profile `spec`. */
  readonly profile?: 'spec';
  /** `skip`: the target has no such room, or the case is not for it. */
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly expected: unknown;
  /** What the target answered to the same questions, or in words why it could not be asked. */
  readonly actual: unknown;
  /** It was skipped because the target has no such room at all. */
  readonly noRoom?: true;
  /** What the case asks and the target does not see: it passed or failed without that. */
  readonly unseen?: readonly string[];
  /** What passed on the way, where the target told; see `passagesOf`. */
  readonly passages?: readonly Passage[];
}

/** Runs cases, those of the kernel all at once where the target wants that. Results are in the order of the cases. */
export async function runCases(cases: readonly Case[], target: Target): Promise<CaseResult[]> {
  if (target.answers !== undefined) {
    const asked = target.profile === 'spec' ? cases.map(underSpec) : cases;
    const outcomes = await target.answers(asked);
    return asked.map((testCase, i) => judge(testCase, target, outcomes[i]));
  }
  if (target.kernels === undefined) return cases.map((testCase) => runCase(testCase, target));
  const ofKernel = cases.filter((testCase): testCase is KernelCase => testCase.room === 'kernel');
  const outcomes = await target.kernels(ofKernel);
  const answered = new Map(ofKernel.map((testCase, i) => [testCase.id, outcomes[i]]));
  return cases.map((testCase) =>
    testCase.room === 'kernel'
      ? judge(testCase, target, answered.get(testCase.id))
      : runCase(testCase, target),
  );
}

/** Runs one case, and where it has an answer for the profile `spec`, under that too. Only what it names is compared. */
export function runCase(testCase: Case, target: Target): CaseResult {
  const result = runOnce(testCase, target);
  if (testCase.room !== 'psp' || testCase.spec === undefined || result.outcome !== 'pass') return result;
  const again = runOnce(underSpec(testCase), target);
  return again.outcome === 'pass' ? result : { ...again, profile: 'spec' };
}

/** The same question to something that is like the published specification. */
function underSpec(testCase: Case): Case {
  if (testCase.room !== 'psp' || testCase.spec === undefined) return testCase;
  const { spec, ...rest } = testCase;
  return { ...rest, ...spec, given: { ...rest.given, firmware: 'spec' } };
}

function runOnce(testCase: Case, target: Target): CaseResult {
  try {
    return judge(testCase, target, ask(testCase, target));
  } catch (error) {
    if (!(error instanceof GivenNotReached)) throw error;
    return judge(testCase, target, error);
  }
}

function judge(testCase: Case, target: Target, answer: Outcome | undefined): CaseResult {
  const { id } = testCase;
  const whole = expectedOf(testCase);
  const { unseen } = answer instanceof PartAnswer ? answer : { unseen: [] };
  const expected = unseen.length === 0 ? whole : without(whole, unseen);
  if (answer === undefined)
    return { id, outcome: 'skip', expected, actual: `${target.name} has no ${testCase.room}`, noRoom: true };
  if (answer instanceof NotHere)
    return { id, outcome: 'skip', expected, actual: answer.reason, ...(answer.noRoom && { noRoom: true }) };
  if (answer instanceof GivenNotReached) return { id, outcome: 'fail', expected, actual: answer.message };
  const actual = restrict(answer instanceof PartAnswer ? answer.answer : answer, expected);
  const outcome = isDeepStrictEqual(actual, expected) ? 'pass' : 'fail';
  const passages = 'passages' in answer ? answer.passages : undefined;
  return {
    id,
    outcome,
    expected,
    actual,
    ...(unseen.length > 0 && { unseen }),
    ...(passages && { passages }),
  };
}

function ask(testCase: Case, target: Target) {
  switch (testCase.room) {
    case 'psp':
      return target.psp?.(testCase);
    case 'vmm':
      return target.vmm?.(testCase);
    case 'tenant':
      return target.tenant?.(testCase);
    case 'firmware':
      return target.firmware?.(testCase);
    case 'kernel':
      return target.kernel?.(testCase);
  }
}

/** What a target must answer. */
function expectedOf(testCase: Case): object {
  if (testCase.room !== 'psp') return testCase.then;
  const { status, out, ...rest } = testCase.then;
  const commands = testCase.when.filter((step) => 'command' in step);
  const statuses = commands.map(({ expect = 'SUCCESS' }, i) => (i === commands.length - 1 ? status : expect));
  const numbers = Object.entries(out ?? {}).map(([field, value]) => [field, Number(value)]);
  return { statuses, ...rest, ...(out && { out: Object.fromEntries(numbers) }) };
}

/**
 * The part of an answer that an expectation names. Lists are compared whole, but for lists of pairs, and item by item
 * where there are as many.
 */
function restrict(answer: unknown, expected: unknown): unknown {
  if (Array.isArray(expected) && Array.isArray(answer) && Array.isArray(expected[0]))
    return expected.filter((pair) => answer.some((each) => isDeepStrictEqual(each, pair)));
  if (Array.isArray(expected) && Array.isArray(answer) && expected.length === answer.length)
    return answer.map((each, i) => restrict(each, expected[i]));
  if (!isRecord(expected) || !isRecord(answer)) return answer;
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, restrict(answer[key], value)]),
  );
}

const without = (expected: object, keys: readonly string[]): object =>
  Object.fromEntries(Object.entries(expected).filter(([key]) => !keys.includes(key)));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
