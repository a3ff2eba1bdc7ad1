import checks from '../cases/checks.json' with { type: 'json' };
import type { Case } from './case.ts';
import { runCase } from './run.ts';
import type { Target } from './target.ts';

/** One of the numbered checks of the AMD-SP's firmware, or of OVMF and what a VMM reads of its image. */
export interface Check {
  readonly id: string;
  readonly subject: string;
  /** The test that holds it where no case can. */
  readonly test?: { readonly file: string; readonly name: string };
  /** Why nothing holds it. */
  readonly why?: string;
}

export const CHECKS: readonly Check[] = checks;

/** Topics, the letters in front of the number, of checks of OVMF; all others are of the AMD-SP. */
const OVMF_TOPICS: readonly string[] = ['FT', 'PD', 'ST', 'MM', 'GU'];

/** What became of a check. */
export interface CheckResult extends Check {
  readonly of: 'AMD-SP' | 'OVMF';
  /** Its cases: the one with its number, and those with a letter behind it. */
  readonly cases: readonly string[];
  /** `test`: a named test holds it. */
  readonly outcome: 'pass' | 'fail' | 'test' | 'left out';
  /** Whether one of its cases also has an answer for the profile `spec`. */
  readonly underSpec: boolean;
}

/** Runs the cases of every check. */
export function listChecks(all: readonly Case[], target: Target): CheckResult[] {
  return CHECKS.map((check) => {
    const own = all.filter(({ id }) => id.replace(/[a-z]$/, '') === check.id);
    const of = OVMF_TOPICS.includes(check.id.replace(/-.*/, '')) ? 'OVMF' : 'AMD-SP';
    const underSpec = own.some((each) => each.room === 'psp' && each.spec !== undefined);
    const cases = own.map(({ id }) => id);
    return { ...check, of, cases, underSpec, outcome: outcomeOf(check, own, target) };
  });
}

function outcomeOf(check: Check, own: readonly Case[], target: Target): CheckResult['outcome'] {
  if (own.length === 0) return check.test === undefined ? 'left out' : 'test';
  return own.every((each) => runCase(each, target).outcome === 'pass') ? 'pass' : 'fail';
}
