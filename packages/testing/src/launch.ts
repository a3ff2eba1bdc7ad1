import type { SevStatus } from '@sevlab/codec/sev/status';
import { causeIn } from '@sevlab/lab/scenario/cause';
import { attempt, takeStep } from '@sevlab/lab/scenario/honest-step';
import { createBench, eventsOf, strikeBefore } from './bench.ts';
import { guestOf, type LaunchedGuest } from './launched-guest.ts';
import type { LaunchOptions } from './options.ts';

/** The steps of a launch, in their order. */
export const LAUNCH_STEPS = [
  'offer',
  'launch',
  'measure',
  'verify',
  'seal',
  'inject',
  'finish',
  'firmware',
  'boot',
] as const;
export type LaunchStep = (typeof LAUNCH_STEPS)[number];

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

/**
 * Runs the whole pipeline in this process: platform, guest owner, VMM, LAUNCH_SECRET, firmware, kernel. Throws LaunchRefused
 * when an actor refuses, and RangeError, SyntaxError or ScenarioError for options that cannot be.
 */
export function launch(options: LaunchOptions = {}): LaunchedGuest {
  const bench = createBench(options);
  for (const step of LAUNCH_STEPS) {
    strikeBefore(bench, step);
    const { pipeline, schemes } = bench.run;
    const before = eventsOf(bench).length;
    const outcome = attempt(() => takeStep(pipeline, { do: step }, bench.secrets, schemes));
    if ('refused' in outcome) throw new LaunchRefused(step, outcome.refused);
    if (outcome.status === 'SUCCESS') continue;
    const cause = causeIn(eventsOf(bench).slice(before)) ?? `the AMD-SP answered ${outcome.status}`;
    throw new LaunchRefused(step, cause, outcome.status);
  }
  return guestOf(bench);
}
