import { type Entropy, forkEntropy, seededEntropy, systemEntropy } from '@sevlab/ambient/entropy';
import { VmrunRefused } from '@sevlab/machine/machine';
import type { Pipeline, Setup } from '../pipeline.ts';
import { attack } from './attack.ts';
import type { Fault, HonestStep, Scenario } from './scenario.ts';
import type { Schemes } from './schemes.ts';

/** A scenario's faults, and how often their steps have come. */
export interface Faults {
  readonly all: readonly Fault[];
  readonly entropy: Entropy;
  readonly times: Map<HonestStep, number>;
}

export const createFaults = (
  { faults = [] }: Pick<Scenario, 'faults'>,
  { seed }: Pick<Setup, 'seed'>,
): Faults => ({
  all: faults,
  entropy: seed === undefined ? systemEntropy('faults') : seededEntropy(seed, 'faults'),
  times: new Map(),
});

/** The same faults, for another future. */
export const forkFaults = ({ all, entropy, times }: Faults): Faults => ({
  all,
  entropy: forkEntropy(entropy),
  times: new Map(times),
});

const DRAW = 2 ** 32;

/** Carries out the faults in front of a step. Throws ScenarioError for an attack on what is not there. */
export function strike(
  pipeline: Pipeline,
  { all, entropy, times }: Faults,
  step: HonestStep,
  means: { readonly schemes: Schemes; readonly file: string },
): void {
  const time = (times.get(step) ?? 0) + 1;
  times.set(step, time);
  for (const { name, at, on = time, chance = 1, attack: what } of all) {
    if (at !== step || on !== time) continue;
    const draw = new DataView(entropy.bytes(4).slice().buffer).getUint32(0) / DRAW;
    if (draw < chance) tryAttack(pipeline, what, { ...means, fault: name });
  }
}

/** As attack, but VMRUN that is refused is an attack that failed, and no more. */
function tryAttack(...attempt: Parameters<typeof attack>): void {
  try {
    attack(...attempt);
  } catch (error) {
    if (!(error instanceof VmrunRefused)) throw error;
  }
}
