import { setImmediate as turn } from 'node:timers/promises';
import { type LoadedScenario, readSentScenario } from '../scenario/load.ts';
import { runSteps, type ScenarioRun } from '../scenario/run.ts';
import { setupOf } from '../scenario/setup.ts';
import { validateScenario } from '../scenario/validate.ts';
import { ScenarioError, SENT_SCENARIO } from '../scenario/values.ts';
import { traceText } from '../trace-file.ts';
import { HttpProblem } from './http-problem.ts';
import { scenarioProblem } from './scenario-problem.ts';
import type { Timers } from './timers.ts';

const STEPS_MAX = 500;
/** A run takes milliseconds; somebody else waits behind it. Milliseconds. */
const TIME_MAX = 10_000;

/** Runs a scenario that a client sent, between other clients' requests. Throws HttpProblem. */
export async function runSent(bytes: Uint8Array, timers: Timers): Promise<object> {
  let placeOf: LoadedScenario['placeOf'] | undefined;
  try {
    const loaded = readSentScenario(bytes);
    placeOf = loaded.placeOf;
    const run = await runInTurns(loaded, timers.now() + TIME_MAX, timers);
    return runJson(run, loaded);
  } catch (error) {
    throw error instanceof ScenarioError ? new HttpProblem(400, scenarioProblem(error, placeOf)) : error;
  }
}

async function runInTurns(loaded: LoadedScenario, end: number, timers: Timers): Promise<ScenarioRun> {
  const { placeOf } = loaded;
  const scenario = validateScenario(loaded.scenario, placeOf);
  if (scenario.matrix !== undefined)
    throw new ScenarioError(
      'matrix: that is several runs; expected a scenario that is one: send each, or try sevlab run',
      placeOf(['matrix']),
    );
  const { length } = scenario.steps;
  if (length > STEPS_MAX)
    throw new ScenarioError(
      `steps: expected at most ${STEPS_MAX} over HTTP, got ${length}; try sevlab run`,
      placeOf(['steps']),
    );
  const { setup, secrets } = setupOf(scenario, SENT_SCENARIO, { record: true });
  const steps = runSteps(scenario, SENT_SCENARIO, setup, secrets);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await turn();
    if (timers.now() > end)
      throw new ScenarioError(
        `steps: the run takes too long; expected at most ${TIME_MAX / 1000} s; try sevlab run`,
      );
  }
}

const runJson = ({ pipeline, passed, results }: ScenarioRun, { scenario, placeOf }: LoadedScenario) => ({
  passed,
  steps: results.length,
  deviations: results.flatMap(({ finding, cause }, step) => {
    if (finding === undefined || finding.held) return [];
    const { line, column } = placeOf(['steps', step]);
    const { expected, actual } = finding;
    return [{ step, line, column, expected, actual, ...(cause !== undefined && { cause }) }];
  }),
  trace: traceText(pipeline, { command: 'serve', scenario: scenario.title, reveal: true }),
});
