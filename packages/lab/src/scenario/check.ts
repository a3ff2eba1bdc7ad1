import { gpa } from '@sevlab/codec/address';
import { equal, indexOfBytes, toHex } from '@sevlab/codec/bytes';
import { hostFinds } from '../host-search.ts';
import type { Pipeline } from '../pipeline.ts';
import type { ByteSource, Check } from './scenario.ts';
import { addressOf, bytesOf, ScenarioError } from './values.ts';

/** What was expected and what came; `held` says whether they agree. */
export interface Finding {
  readonly held: boolean;
  readonly expected: string;
  readonly actual: string;
}

/** Where the kernel shows the secrets. */
export const SECRETS_FOLDER = '/sys/kernel/security/secrets/coco';

/** Looks whether something is so. Throws ScenarioError for a check of what is not there. */
export function check(pipeline: Pipeline, step: Check, file: string): Finding {
  if ('hostFinds' in step) {
    const found = hostFinds(pipeline.actors.machine.host, bytesOf(step.hostFinds, file));
    const place = found === undefined ? 'nowhere in DRAM' : `at sPA 0x${found.toString(16)}`;
    return {
      held: (found !== undefined) === step.hostFinds.expect,
      expected: foundOrNot(step.hostFinds.expect),
      actual: place,
    };
  }
  if ('diskHolds' in step) {
    const { launching } = pipeline.progress;
    const disk = launching && pipeline.actors.machine.host.disk(launching.record.guest);
    if (disk === undefined) throw new ScenarioError('check diskHolds: the guest has no disk yet');
    const at = indexOfBytes(disk, bytesOf(step.diskHolds, file));
    const place = at === -1 ? 'nowhere on the disk' : `at byte ${at} of the disk`;
    return {
      held: (at !== -1) === step.diskHolds.expect,
      expected: foundOrNot(step.diskHolds.expect),
      actual: place,
    };
  }
  if ('memory' in step) {
    const wanted = bytesOf(step.memory as ByteSource, file);
    const { running } = pipeline.progress;
    if (running === undefined)
      throw new ScenarioError('check memory: the guest does not run; expected a finish step before it');
    const address = gpa(addressOf(step.memory.gpa));
    const actual = running.resume(({ memory }) => memory.readPrivate(address, wanted.length));
    return { held: equal(actual, wanted), expected: toHex(wanted), actual: toHex(actual) };
  }
  const { kernel } = pipeline.progress;
  if (kernel === undefined)
    throw new ScenarioError('check: there is no kernel; expected a boot step before it');
  if ('file' in step) {
    const wanted = bytesOf(step.file as ByteSource, file);
    const { bytes: actual, status } = kernel.run(`cat ${SECRETS_FOLDER}/${step.file.guid}`);
    return { held: status === 0 && equal(actual, wanted), expected: toHex(wanted), actual: toHex(actual) };
  }
  const log = kernel.dmesg().join('\n');
  return { held: log.includes(step.dmesg), expected: `a log with '${step.dmesg}'`, actual: log };
}

const foundOrNot = (expected: boolean): string => (expected ? 'somewhere' : 'nowhere');
