import { kernelProfile, profileOfRelease } from '@sevlab/guest-kernel-sim/profile';
import type { ProbeResult } from '@sevlab/guest-kernel-sim/standalone';
import type { GuestParts } from '@sevlab/real-guest/guest-parts';
import { GuestDied, kernelRelease, probeForReal, type RealProbe } from '@sevlab/real-guest/probe-areas';
import type { KernelCase } from '../case.ts';
import { kernelProbe } from '../kernel-probe.ts';
import { GivenNotReached, type KernelOutcome, NotHere, type Target } from '../target.ts';
import { kernelAnswer } from './kernel-answer.ts';

/**
 * A real kernel in QEMU. Cases share boots where they can; one with tables of its own, or one that leaves something
 * behind, has a boot of its own. Throws the errors of starting QEMU.
 */
export async function linuxTarget(parts: GuestParts): Promise<Target> {
  const release = await kernelRelease(parts);
  return {
    name: `Linux ${release}`,
    kernels: async (cases) => {
      const here = cases.filter((testCase) => whyNot(testCase, release) === undefined);
      const results = await probeEach(here.map(kernelProbe), parts);
      return cases.map((testCase): KernelOutcome => {
        const why = whyNot(testCase, release);
        if (why !== undefined) return new NotHere(why);
        const result = results[here.indexOf(testCase)];
        return result === undefined || result instanceof GivenNotReached
          ? (result ?? new GivenNotReached('the kernel gave no answer'))
          : kernelAnswer(result, testCase.then);
      });
    },
  };
}

/** Why a case is not for this kernel. */
function whyNot({ given: { linux, build } }: KernelCase, release: string): string | undefined {
  if (build !== undefined) return `the kernel is not built or started with ${build.join(', ')}`;
  if (linux === undefined) return undefined;
  if (
    kernelProfile(linux).release === profileOfRelease(release).release &&
    linux !== 'documented' &&
    linux !== 'debian'
  )
    return undefined;
  return `the kernel is Linux ${release}, not ${linux}`;
}

/** As probeForReal, but a probe that its kernel does not survive takes no other answer along. */
async function probeEach(
  probes: readonly RealProbe[],
  parts: GuestParts,
): Promise<readonly (ProbeResult | GivenNotReached)[]> {
  if (probes.length === 0) return [];
  try {
    return await probeForReal(probes, parts);
  } catch (error) {
    if (!(error instanceof GuestDied)) throw error;
    if (probes.length === 1) return [new GivenNotReached(error.message)];
    const half = Math.ceil(probes.length / 2);
    const first = await probeEach(probes.slice(0, half), parts);
    return [...first, ...(await probeEach(probes.slice(half), parts))];
  }
}
