import type { RecordedEvent } from '@sevlab/ambient/observer';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { runShell } from '@sevlab/guest-kernel-sim/shell';
import { createSession } from '@sevlab/guest-kernel-sim/shell/session';
import type { CertificateFiles } from '@sevlab/guest-owner-sim/guest-owner';
import { VmrunRefused } from '@sevlab/machine/machine';
import { CommandFailed, VmmError } from '@sevlab/vmm-sim/errors';
import { createPipeline, type Pipeline, Refused, type Setup } from '../pipeline.ts';
import { accountOf } from './account.ts';
import { attack, flipBit } from './attack.ts';
import { check, type Finding } from './check.ts';
import { createFaults, strike } from './faults.ts';
import { launchOtherwise } from './hostile-launch.ts';
import type { HonestStep, Scenario, Step, StepExpectation } from './scenario.ts';
import { createSchemes, keptBytes, type Schemes } from './schemes.ts';
import { addressOf, ScenarioError } from './values.ts';

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

/** The nearest thing to a reason that happened in a step. */
function causeIn(events: readonly RecordedEvent[]): string | undefined {
  for (const event of events.toReversed()) {
    if (event.type === 'precondition' && !event.held)
      return `${event.name} answered ${event.status}, since this does not hold: ${event.condition}`;
    if (event.type === 'verdict' && !event.accepted)
      return `the guest owner refused the ${event.name}: ${event.reason}`;
    if (event.type === 'stop') return `the firmware stopped: ${event.reason}`;
  }
  return undefined;
}

const readsSecret = (event: RecordedEvent): boolean =>
  event.type === 'syscall' && (event.closed?.data?.length ?? 0) > 0;

function insteadOf(outcome: Outcome): StepExpectation {
  if ('refused' in outcome) return { refused: outcome.refused };
  return outcome.status === 'SUCCESS' ? {} : { status: outcome.status };
}

/** An AMD-SP's status, or who refused and why. */
type Outcome = { readonly status: SevStatus } | { readonly refused: string };

/**
 * Takes an honest step, except for what a hostile host has prepared. Returns the AMD-SP's status. Throws Refused,
 * CommandFailed, VmmError, VmrunRefused and ScenarioError.
 */
export function honestStep(
  pipeline: Pipeline,
  step: Extract<Step, { readonly do: HonestStep }>,
  secrets: readonly Secret[],
  schemes: Schemes,
): SevStatus {
  switch (step.do) {
    case 'offer':
      pipeline.offer((files) => shownCertificates(files, schemes));
      break;
    case 'launch': {
      const { image, policy, launch } = schemes;
      delete schemes.launch; // it was for this one
      if (launch !== undefined) pipeline.adopt(launchOtherwise(pipeline, launch, schemes));
      else pipeline.launch({ ...(image && { image }), ...(policy !== undefined && { policy }) });
      break;
    }
    case 'verify':
      pipeline.verify(shownMeasurement(pipeline, schemes));
      break;
    case 'seal':
      seal(pipeline, secretsNamed(secrets, step.secrets));
      break;
    case 'firmware':
      pipeline.startFirmware();
      break;
    case 'inject':
      return inject(pipeline, step.at, schemes);
    default:
      pipeline[step.do]();
  }
  return 'SUCCESS';
}

/** What the host shows of the platform's certificates. */
function shownCertificates(
  files: CertificateFiles,
  { certificates, certificateFlip }: Schemes,
): CertificateFiles {
  const shown = { ...files, ...certificates };
  if (certificateFlip === undefined) return shown;
  const { name, bit } = certificateFlip;
  return { ...shown, [name]: flipBit(shown[name], bit) };
}

/** What the host shows of the measurement; a forged one needs no launch. */
function shownMeasurement(pipeline: Pipeline, schemes: Schemes): Uint8Array | undefined {
  const measurement = pipeline.progress.measured?.measurement;
  const { measurement: instead } = schemes;
  if (instead === undefined) return measurement;
  if ('from' in instead) return keptBytes(pipeline, schemes, instead.from);
  return measurement && flipBit(measurement, instead.bit);
}

/** Those of the secrets that have one of the GUIDs, in that order. Throws ScenarioError for another GUID. */
function secretsNamed(secrets: readonly Secret[], guids: readonly string[] | undefined): readonly Secret[] {
  return (
    guids?.map((guid) => {
      const secret = secrets.find((each) => each.guid === guid.toLowerCase());
      if (secret === undefined)
        throw new ScenarioError(`seal: no secret ${guid}; expected one of the scenario's secrets`);
      return secret;
    }) ?? secrets
  );
}

function seal(pipeline: Pipeline, secrets: readonly Secret[]): void {
  try {
    pipeline.seal(secrets);
  } catch (error) {
    if (error instanceof RangeError) throw new Refused('guest-owner', error.message); // secrets that cannot be packed
    throw error;
  }
}

function inject(pipeline: Pipeline, at: string | undefined, { packetFlip }: Schemes): SevStatus {
  const { packet } = pipeline.progress;
  const address = at === undefined ? undefined : addressOf(at);
  if (packet === undefined || packetFlip === undefined) return pipeline.inject(packet, address);
  const { part, bit } = packetFlip;
  return pipeline.inject({ ...packet, [part]: flipBit(packet[part], bit) }, address);
}

function attempt(step: () => Outcome): Outcome {
  try {
    return step();
  } catch (error) {
    if (error instanceof CommandFailed) return { status: error.status };
    if (error instanceof Refused || error instanceof VmmError || error instanceof VmrunRefused) {
      return { refused: error.message };
    }
    throw error;
  }
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
