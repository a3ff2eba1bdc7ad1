import { honestStep } from '@sevlab/lab/scenario/honest-step';
import { LAUNCH_STEPS } from '@sevlab/lab/scenario/scenario';
import { createBench } from './bench.ts';
import { takeStep } from './launch-steps.ts';
import { guestOf, type LaunchedGuest } from './launched-guest.ts';
import type { LaunchOptions } from './options.ts';

/**
 * Runs the whole pipeline in this process: platform, guest owner, VMM, LAUNCH_SECRET, firmware, kernel. Throws LaunchRefused
 * when an actor refuses, and RangeError, SyntaxError or ScenarioError for options that cannot be.
 */
export function launch(options: LaunchOptions = {}): LaunchedGuest {
  const bench = createBench(options);
  const { pipeline, schemes } = bench.run;
  for (const step of LAUNCH_STEPS)
    takeStep(bench, step, () => ({
      status: honestStep(pipeline, { do: step }, bench.secrets, schemes),
    }));
  return guestOf(bench);
}
