import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { probeArea } from '@sevlab/guest-kernel-sim/standalone';
import type { KernelCase, KernelThen } from '../case.ts';
import { kernelProbe } from '../kernel-probe.ts';
import { kernelAnswer } from './kernel-answer.ts';

const DEFAULT_LINUX = '6.1';

/** Lets the emulated kernel look at a secret area. */
export function answerKernel(testCase: KernelCase): KernelThen {
  const profile = kernelProfile(testCase.given.linux ?? DEFAULT_LINUX);
  return kernelAnswer(probeArea({ ...kernelProbe(testCase), profile }), testCase.then);
}
