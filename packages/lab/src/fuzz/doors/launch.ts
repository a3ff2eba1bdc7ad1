import { fromHex } from '@sevlab/codec/bytes';
import { hostFinds } from '../../host-search.ts';
import { runScenario } from '../../scenario/run.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { setupOf } from '../../scenario/setup.ts';
import { ScenarioError } from '../../scenario/values.ts';
import { arbitraryDoor, type Door, holds } from '../door.ts';
import { attackedLaunch } from './drawn-scenario.ts';

/** Bytes that are in memory by chance are shorter than this. */
const TELLING = 12;

/** Whole launches, from the platform on, under attacks. */
export const launchDoor: Door = arbitraryDoor<Scenario>({
  name: 'launch',
  about:
    'whole launches with attacks between their steps: each ends or is refused, and the host finds no secret',
  ...{ share: 0.5, chunk: 20, cost: 50_000 },
  inputs: () => attackedLaunch,
  start: () => run,
  scenario: (input) => input,
});

function run(scenario: Scenario): string {
  try {
    const { setup, secrets } = setupOf(scenario, '', { record: false });
    const { pipeline, passed, results } = runScenario(scenario, '', setup, secrets);
    const { host } = pipeline.actors.machine;
    for (const source of scenario.secrets ?? []) {
      const secret = 'hex' in source ? fromHex(source.hex) : new Uint8Array();
      if (isTelling(secret)) holds(hostFinds(host, secret) === undefined, 'the host finds no secret');
    }
    const last = results.at(-1);
    const step = last === undefined ? 'none' : 'do' in last.step ? last.step.do : Object.keys(last.step)[0];
    return passed ? 'to its end' : `ended at ${step}`;
  } catch (error) {
    if (error instanceof ScenarioError) return 'asked for what cannot be';
    throw error;
  }
}

/** Whether bytes are long and mixed enough to be nobody else's. */
const isTelling = (secret: Uint8Array): boolean =>
  secret.length >= TELLING && new Set(secret).size >= TELLING / 2;
