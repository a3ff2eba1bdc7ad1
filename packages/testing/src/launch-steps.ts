import type { SevStatus } from '@sevlab/codec/sev/status';
import { causeIn } from '@sevlab/lab/scenario/cause';
import { attempt, type Outcome } from '@sevlab/lab/scenario/honest-step';
import type { LaunchStep } from '@sevlab/lab/scenario/scenario';
import { type Bench, eventsOf, strikeBefore } from './bench.ts';

/** Somebody refused to go on with a launch. */
export class LaunchRefused extends Error {
  readonly step: LaunchStep;
  /** What the AMD-SP answered, if it was the one. */
  readonly status: SevStatus | undefined;

  constructor(step: LaunchStep, message: string, status?: SevStatus) {
    super(`${step}: ${message}`);
    this.name = 'LaunchRefused';
    this.step = step;
    this.status = status;
  }
}

/** What the AMD-SP answered to one step, and why. */
export interface StepAnswer {
  readonly status: SevStatus;
  /** The check that did not hold, or whatever else is told in the trace. */
  readonly cause: string | undefined;
}

/** @internal Takes a step, the faults in front of it first. Throws LaunchRefused when somebody else than the AMD-SP refuses. */
export function takeOne(bench: Bench, step: LaunchStep, take: () => Outcome): StepAnswer {
  strikeBefore(bench, step);
  const before = eventsOf(bench).length;
  const outcome = attempt(take);
  if ('refused' in outcome) throw new LaunchRefused(step, outcome.refused);
  return { status: outcome.status, cause: causeIn(eventsOf(bench).slice(before)) };
}

/** @internal Takes a step that must succeed. `explain` adds what the AMD-SP does not tell. Throws LaunchRefused. */
export function takeStep(
  bench: Bench,
  step: LaunchStep,
  take: () => Outcome,
  explain: () => string | undefined = () => undefined,
): void {
  const { status, cause = `the AMD-SP answered ${status}` } = takeOne(bench, step, take);
  if (status === 'SUCCESS') return;
  throw new LaunchRefused(step, [cause, explain()].filter((text) => text !== undefined).join('; '), status);
}

/** @internal The outcome of a call that throws unless it succeeds. */
export function succeeds(call: () => unknown): Outcome {
  call();
  return { status: 'SUCCESS' };
}
