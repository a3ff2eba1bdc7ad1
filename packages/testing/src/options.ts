import type { FirmwareSource, Scenario } from '@sevlab/lab/scenario/scenario';
import type { EventPattern } from './fixture.ts';

/** What a scenario file says in front of its steps, a test says in the same words. */
type ScenarioOptions = Pick<
  Scenario,
  | 'seed'
  | 'clock'
  | 'platform'
  | 'policy'
  | 'policyApi'
  | 'kernel'
  | 'kernelHashes'
  | 'vcpus'
  | 'memory'
  | 'linux'
  | 'faults'
>;

/** What a test wants of a launch; everything has a default. */
export interface LaunchOptions extends ScenarioOptions {
  /** By GUID. Text is UTF-8. */
  readonly secrets?: Readonly<Record<string, string | Uint8Array>>;
  /** An image that sevlab builds, a file, or an image. */
  readonly firmware?: FirmwareSource | Uint8Array;
  /** Events that are to come in this order: see `done()`. */
  readonly expects?: readonly EventPattern[];
}

/** The names of all options, so that a misspelt one is not passed over where nobody checks types. */
const NAMES: Readonly<Record<keyof LaunchOptions, true>> = {
  seed: true,
  clock: true,
  platform: true,
  policy: true,
  policyApi: true,
  kernel: true,
  kernelHashes: true,
  vcpus: true,
  memory: true,
  linux: true,
  faults: true,
  secrets: true,
  firmware: true,
  expects: true,
};

/** Throws RangeError for an option that does not exist. */
export function expectKnown(options: LaunchOptions): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name));
  if (unknown !== undefined)
    throw new RangeError(`no option '${unknown}'; expected one of ${Object.keys(NAMES).join(', ')}`);
}
