import type { RecordedEvent } from '@sevlab/ambient/observer';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import { runShell } from '@sevlab/guest-kernel-sim/shell';
import { createSession } from '@sevlab/guest-kernel-sim/shell/session';
import { createPipeline, type Pipeline, type Setup } from '../pipeline.ts';
import { accountOf } from './account.ts';
import { attack } from './attack.ts';
import { causeIn } from './cause.ts';
import { check } from './check.ts';
import { createFaults, strike } from './faults.ts';
import type { Finding } from './finding.ts';
import { attempt, honestStep, type Outcome } from './honest-step.ts';
import type { Scenario, Step, StepExpectation } from './scenario.ts';
import { createSchemes, type Schemes } from './schemes.ts';
import { ScenarioError } from './values.ts';

/** What became of one step. */
export interface StepResult {
  readonly step: Step;
  /** Absent for a step that expects nothing. */
  readonly finding?: Finding;
  /** The expectation that would have held; without fields where a step needs none. Absent for a check. */
  readonly instead?: StepExpectation | { readonly output?: string; readonly status?: number };
  /** What a shell command printed. */
  readonly output?: string;
  /** Whether it holds bytes of a secret. */
  readonly secret?: boolean;
  /** What the trace tells of a step that deviates: the last check that did not hold, or the last refusal. */
  readonly cause?: string;
  /** How many events the trace has after the step. */
  readonly events: number;
}

export interface ScenarioRun {
  readonly pipeline: Pipeline;
  readonly results: readonly StepResult[];
  readonly passed: boolean;
}

/**
 * Runs the steps in order. A step that deviates ends the run, as does a refusal that was expected.
 * Throws ScenarioError for a scenario that asks for what cannot be.
 */
export function runScenario(
  scenario: Scenario,
  file: string,
  setup: Setup,
  secrets: readonly Secret[],
): ScenarioRun {
  const steps = runSteps(scenario, file, setup, secrets);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * As runScenario, one step at a time, for somebody who has other things to do in between. `pipeline` is one that has
 * come as far as the first step wants it.
 */
export function* runSteps(
  scenario: Scenario,
  file: string,
  setup: Setup,
  secrets: readonly Secret[],
  pipeline: Pipeline = createPipeline(setup),
): Generator<StepResult, ScenarioRun> {
  const schemes = createSchemes(setup);
  const faults = createFaults(scenario, setup);
  const results: StepResult[] = [];
  for (const step of scenario.steps) {
    if ('do' in step) strike(pipeline, faults, step.do, { schemes, file });
    const before = pipeline.observer.events.length;
    const result = runStep(pipeline, step, file, secrets, schemes);
    const cause =
      result.finding?.held === false ? causeIn(pipeline.observer.events.slice(before)) : undefined;
    const events = pipeline.observer.events.length;
    const told: StepResult = { step, ...result, ...(cause !== undefined && { cause }), events };
    results.push(told);
    yield told;
    if (result.finding?.held === false) return { pipeline, results, passed: false };
  }
  return { pipeline, results, passed: true };
}

function runStep(
  pipeline: Pipeline,
  step: Step,
  file: string,
  secrets: readonly Secret[],
  schemes: Schemes,
): Pick<StepResult, 'finding' | 'instead' | 'output' | 'secret'> {
  if ('attack' in step) {
    const outcome = attempt(() => ({ status: attack(pipeline, step.attack, { schemes, file }) }));
    const asked = 'command' in step.attack || 'run' in step.attack || step.expect !== undefined;
    if (!asked && 'status' in outcome) return {};
    return { finding: judge(outcome, step.expect ?? {}), instead: insteadOf(outcome) };
  }
  if ('check' in step) return { finding: check(pipeline.fork(), step.check, { file, schemes }) }; // looking is no part of the run
  if ('shell' in step) {
    const { kernel } = pipeline.progress;
    if (kernel === undefined)
      throw new ScenarioError(
        `shell: '${step.shell}': the guest does not run; expected a boot step before it`,
      );
    const before = pipeline.observer.events.length;
    const session = step.as === undefined ? undefined : createSession(accountOf(kernel, step.as));
    const { output, status } = runShell(kernel, step.shell, session);
    const wanted = { output, status: 0, ...step.expect };
    return {
      output,
      instead: { output, ...(status !== 0 && { status }) },
      secret: pipeline.observer.events.slice(before).some(readsSecret),
      finding: {
        held: output === wanted.output && status === wanted.status,
        expected: `status ${wanted.status} and\n${wanted.output}`,
        actual: `status ${status} and\n${output}`,
      },
    };
  }
  const outcome = attempt(() => ({ status: honestStep(pipeline, step, secrets, schemes) }));
  return { finding: judge(outcome, step.expect ?? {}), instead: insteadOf(outcome) };
}

const readsSecret = (event: RecordedEvent): boolean =>
  event.type === 'syscall' && (event.closed?.data?.length ?? 0) > 0;

function insteadOf(outcome: Outcome): StepExpectation {
  if ('refused' in outcome) return { refused: outcome.refused };
  return outcome.status === 'SUCCESS' ? {} : { status: outcome.status };
}

function judge(outcome: Outcome, expectation: StepExpectation): Finding {
  const { refused, status = 'SUCCESS' } = expectation;
  const actual = 'status' in outcome ? outcome.status : `refused: ${outcome.refused}`;
  if (refused !== undefined) {
    const held = 'refused' in outcome && outcome.refused.includes(refused);
    return { held, expected: `refused: … ${refused} …`, actual };
  }
  return { held: actual === status, expected: status, actual };
}
