import checks from '../cases/checks.json' with { type: 'json' };
import faults from '../cases/faults.json' with { type: 'json' };
import type { Case } from './case.ts';
import { runCase } from './run.ts';
import type { Target } from './target.ts';

/**
 * One of the numbered checks of the AMD-SP's firmware, of QEMU as its clients see it, of the guest owner, of OVMF and what a
 * VMM reads of its image, or of what Linux makes of it.
 */
export interface Check {
  readonly id: string;
  readonly of: 'AMD-SP' | 'QEMU' | 'guest owner' | 'OVMF' | 'Linux';
  readonly subject: string;
  /** Cases that hold it under a number of their own. */
  readonly cases?: readonly string[];
  /** The test that holds it where no case can. */
  readonly test?: NamedTest;
  /** Why nothing holds it. */
  readonly why?: string;
}

/** A test by its title. */
export interface NamedTest {
  readonly file: string;
  readonly name: string;
  /** Where a test goes through recorded answers: the file with them, and the name of the one that is meant. */
  readonly row?: { readonly file: string; readonly name: string };
}

export const CHECKS = checks as readonly Check[]; // listing.test.ts looks at each

/** Something that goes wrong between image and kernel. */
export interface Fault {
  readonly fault: string;
  /** Whoever complains, or does otherwise. */
  readonly noticedBy: string;
  readonly outcome: string;
  /** Numbered checks that show it. */
  readonly checks?: readonly string[];
  readonly test?: NamedTest;
  /** A scenario in which it happens, from the root of the repository. */
  readonly scenario?: string;
  /** Why nothing shows it. */
  readonly why?: string;
}

export const FAULTS: readonly Fault[] = faults;

/** The rooms of the cases that have a check's own number: a topic of the AMD-SP has the letters of one of Linux. */
const ROOMS: Readonly<Record<Check['of'], readonly Case['room'][]>> = {
  'AMD-SP': ['psp', 'firmware'],
  QEMU: ['vmm'],
  'guest owner': ['tenant'],
  OVMF: ['firmware', 'kernel'],
  Linux: ['kernel'],
};

/** What became of a check. */
export interface CheckResult extends Omit<Check, 'cases'> {
  /** Its cases: the one with its number, those with a letter behind it, and those that it names. */
  readonly cases: readonly string[];
  /** `test`: a named test holds it. */
  readonly outcome: 'pass' | 'fail' | 'test' | 'left out';
  /** Whether one of its cases also has an answer for the profile `spec`. */
  readonly underSpec: boolean;
}

/** Runs the cases of every check. */
export function listChecks(all: readonly Case[], target: Target): CheckResult[] {
  return CHECKS.map((check) => {
    const own = all.filter(({ id, room }) => {
      const hasNumber = id.replace(/[a-z]$/, '') === check.id && ROOMS[check.of].includes(room);
      return hasNumber || check.cases?.includes(id);
    });
    const underSpec = own.some((each) => each.room === 'psp' && each.spec !== undefined);
    const cases = own.map(({ id }) => id);
    return { ...check, cases, underSpec, outcome: outcomeOf(check, own, target) };
  });
}

function outcomeOf(check: Check, own: readonly Case[], target: Target): CheckResult['outcome'] {
  if (own.length === 0) return check.test === undefined ? 'left out' : 'test';
  return own.every((each) => runCase(each, target).outcome === 'pass') ? 'pass' : 'fail';
}
