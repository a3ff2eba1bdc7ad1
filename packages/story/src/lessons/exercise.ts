import type { AnyEvent } from '../event.ts';
import { type Claim, contradictions } from './claim.ts';

/** A scenario with a fault in it, for a student to repair: make this launch pass. */
export interface Exercise {
  readonly id: string;
  readonly title: string;
  /** Sentences: what goes wrong, and what is wanted. */
  readonly task: readonly string[];
  /** The scenario as the student gets it, YAML. */
  readonly start: string;
  /** From a nudge to nearly the answer, two or three. */
  readonly hints: readonly string[];
  /** One way to repair it: what stands in `start` once, and what to put there. */
  readonly repairs: readonly { readonly find: string; readonly put: string }[];
  /** What the repaired run must show beside its own expectations, so that leaving steps out is no repair. */
  readonly conditions: readonly { readonly says: string; readonly claim: Claim }[];
}

/** The scenario as it stands once it is repaired. */
export const solutionOf = ({ start, repairs }: Exercise): string =>
  repairs.reduce((text, { find, put }) => text.replace(find, put), start);

/** What became of an attempt. */
export interface Attempt {
  /** Whether the scenario went as its own steps expect. */
  readonly passed: boolean;
  /** The trace of the run. */
  readonly events: readonly AnyEvent[];
}

/** Whether an attempt solves the exercise, and the conditions that it does not meet. */
export function checkExercise(
  { conditions }: Exercise,
  { passed, events }: Attempt,
): { readonly solved: boolean; readonly unmet: readonly string[] } {
  const unmet = conditions
    .filter(({ claim }) => contradictions(events, claim).length > 0)
    .map(({ says }) => says);
  return { solved: passed && unmet.length === 0, unmet };
}
