import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { validateScenario } from '@sevlab/lab/scenario/validate';
import { PROFILES, type ProfileName } from '@sevlab/psp-sim/profile';
import { expect, it } from 'vitest';

const file = new URL('../packages/lab/scenarios/kernel-documentation.yaml', import.meta.url).pathname;

it.each(Object.keys(PROFILES) as ProfileName[])(
  'the honest pipeline runs on a platform of profile %s',
  (profile) => {
    const scenario = validateScenario({ ...loadScenario(file), platform: { profile } });
    const { setup, secrets } = setupOf(scenario, file, { record: false });
    expect(runScenario(scenario, file, setup, secrets).passed).toBe(true);
  },
);

it.each(['naples', 'rome', 'milan', 'genoa'] as const)('and on the part %s, with XEX and with XE', (part) => {
  for (const encryption of ['XEX', 'XE'] as const) {
    const scenario = validateScenario({ ...loadScenario(file), platform: { part, encryption } });
    const { setup, secrets } = setupOf(scenario, file, { record: false });
    expect(runScenario(scenario, file, setup, secrets).passed).toBe(true);
  }
});
