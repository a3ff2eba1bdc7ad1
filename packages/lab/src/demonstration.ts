import { join } from 'node:path';
import { ROOT_FOLDER } from './root-folder.ts';
import { loadScenario } from './scenario/load.ts';
import { runScenario, type ScenarioRun } from './scenario/run.ts';
import type { Scenario } from './scenario/scenario.ts';
import { setupOf } from './scenario/setup.ts';

/** The demonstration is a scenario like any other. */
export const DEMONSTRATION = 'packages/lab/scenarios/kernel-documentation.yaml';

export type Demonstration = ScenarioRun;

/** Runs the example of the kernel documentation. Throws ScenarioError for an unknown kernel. */
export function demonstrate(options: { readonly linux?: string; readonly seed?: string }): Demonstration {
  const file = join(ROOT_FOLDER, DEMONSTRATION);
  const { scenario: loaded } = loadScenario(file);
  const scenario = options.linux === undefined ? loaded : withoutTranscript(loaded);
  const { setup, secrets } = setupOf(scenario, file, { record: true, ...options });
  return runScenario(scenario, file, setup, secrets);
}

/** Another kernel may answer otherwise than the documentation's: what it says is shown, and held against nothing. */
const withoutTranscript = (scenario: Scenario): Scenario => ({
  ...scenario,
  steps: scenario.steps.map((step) => ('shell' in step ? { shell: step.shell } : step)),
});
