import { seededEntropy } from '@sevlab/ambient/entropy';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import { type Guid, parseGuid } from '@sevlab/codec/guid';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import { cpuSignature } from '@sevlab/codec/sev/vmsa';
import { emulatedKernelFile } from '@sevlab/firmware-sim/direct-boot/emulated-kernel-file';
import { buildImage } from '@sevlab/firmware-sim/image';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { DISK_KEY_SIZE, encryptDisk } from '../encrypted-disk.ts';
import type { Setup } from '../pipeline.ts';
import type { FirmwareSource, KernelSource, Scenario } from './scenario.ts';
import {
  addressOf,
  bytesOf,
  durationOf,
  policyOf,
  readInput,
  ScenarioError,
  sizeOf,
  timeOf,
} from './values.ts';

/** Without a seed in the scenario or on the command line, runs are still repeatable. */
export const FIXED_SEED = 'sevlab';

/** What a scenario's setup means. Throws ScenarioError. */
export function setupOf(
  scenario: Scenario,
  file: string,
  options: { readonly seed?: string; readonly linux?: string; readonly record: boolean },
): { setup: Setup; secrets: readonly Secret[] } {
  const secrets = (scenario.secrets ?? []).map((source, i) => ({
    guid: guidOf(source.guid),
    data: bytesOf(source, file, `secrets[${i}]`),
  }));
  const seed = options.seed ?? scenario.seed ?? FIXED_SEED;
  const { start, perCommand } = scenario.clock ?? {};
  const disk = scenario.disk && diskOf(scenario.disk, secrets, file, seed);
  const setup: Setup = {
    seed,
    clock: {
      ...(start !== undefined && { now: timeOf(start) }),
      ...(perCommand !== undefined && { perCommand: durationOf(perCommand) }),
    },
    part: scenario.platform?.part ?? 'genoa',
    profile: scenario.platform?.profile ?? 'genoa-1.55',
    ...(scenario.platform?.switches && { switches: scenario.platform.switches }),
    encryption: scenario.platform?.encryption ?? 'XEX',
    policy: policyOf(scenario.policy ?? ['NODBG', 'NOKS'], scenario.policyApi),
    image: imageOf(scenario.firmware ?? {}, file),
    ...(scenario.kernel && { directBoot: kernelOf(scenario.kernel, file) }),
    ...(scenario.kernelHashes && { kernelHashes: true }),
    ...(scenario.vcpus && { vcpus: vcpusOf(scenario.vcpus) }),
    memorySize: sizeOf(scenario.memory ?? '512 MiB'),
    linux: kernelNamed(options.linux ?? scenario.linux ?? '6.1'),
    record: options.record,
    ...(disk && { disk }),
  };
  return { setup, secrets };
}

function imageOf(source: FirmwareSource, file: string): Uint8Array {
  if ('file' in source) return readInput(source.file, file, 'firmware.file');
  const { size, secretArea, ...options } = source;
  try {
    return buildImage({
      layout: '202405',
      ...options,
      ...(size !== undefined && { size: Number(sizeOf(size)) }),
      ...(secretArea !== undefined && { secretArea: areaOf(secretArea) }),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new ScenarioError(`firmware: ${error.message}`);
    throw error;
  }
}

const areaOf = (area: 'none' | { readonly base: string; readonly size: number }): AreaBlock | 'none' =>
  area === 'none' ? area : { base: Number(addressOf(area.base)), size: area.size };

function kernelOf(source: KernelSource, scenarioFile: string): NonNullable<Setup['directBoot']> {
  const read = (name: string, place: string): Uint8Array => readInput(name, scenarioFile, place);
  return {
    kernel: 'file' in source ? read(source.file, 'kernel.file') : emulatedKernelFile(),
    ...(source.initrd !== undefined && { initrd: read(source.initrd, 'kernel.initrd') }),
    commandLine: source.commandLine ?? '',
  };
}

function vcpusOf({
  count = 1,
  form = 'legacy',
  family = 0,
  model = 0,
  stepping = 0,
}: NonNullable<Scenario['vcpus']>): NonNullable<Setup['vcpus']> {
  try {
    return { count, form, cpuSignature: cpuSignature({ family, model, stepping }) };
  } catch (error) {
    if (error instanceof RangeError) throw new ScenarioError(`vcpus: ${error.message}`);
    throw error;
  }
}

function diskOf(
  disk: NonNullable<Scenario['disk']>,
  secrets: readonly Secret[],
  file: string,
  seed: string,
): Uint8Array {
  const key = secrets.find(({ guid }) => guid === guidOf(disk.key));
  if (key === undefined)
    throw new ScenarioError(`disk.key: no secret ${disk.key}; expected one of the scenario's secrets`);
  if (key.data.length !== DISK_KEY_SIZE) {
    throw new ScenarioError(`disk.key: expected a secret of ${DISK_KEY_SIZE} bytes, got ${key.data.length}`);
  }
  const files = 'files' in disk ? disk.files : [disk];
  return encryptDisk(
    files.map((source) => bytesOf(source, file, 'disk')),
    key.data,
    seededEntropy(seed, 'disk'),
  );
}

function guidOf(text: string): Guid {
  try {
    return parseGuid(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ScenarioError(error.message);
    throw error;
  }
}

function kernelNamed(name: string): string {
  try {
    return kernelProfile(name).name;
  } catch (error) {
    if (error instanceof RangeError) throw new ScenarioError(`linux: ${error.message}`);
    throw error;
  }
}
