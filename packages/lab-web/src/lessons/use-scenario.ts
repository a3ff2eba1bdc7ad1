import { getText } from '../api.ts';
import { type LoadedTrace, loadTrace } from '../loaded-trace.ts';
import { type Loaded, useLoaded } from '../shell/use-loaded.ts';

/** The trace of a shipped scenario, from the lab. */
export const useScenario = (scenario: string, seed?: string): Loaded<LoadedTrace> =>
  useLoaded(`${scenario} ${seed ?? ''}`, async () => loadTrace(await getText(traceAddress(scenario, seed))));

function traceAddress(scenario: string, seed: string | undefined): string {
  const query = seed === undefined ? '' : `?seed=${encodeURIComponent(seed)}`;
  return `scenarios/${scenario}/trace${query}`;
}
