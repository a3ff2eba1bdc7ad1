import { gpa } from '@sevlab/codec/address';
import { equal, indexOfBytes, toHex } from '@sevlab/codec/bytes';
import { hostFinds } from '../host-search.ts';
import type { Pipeline } from '../pipeline.ts';
import { checkCall, checkFiles, checkStat } from './check-files.ts';
import { checkTrace } from './check-trace.ts';
import { comparePrivate, type Finding } from './finding.ts';
import type { Check } from './scenario.ts';
import { resolveBytes, type Schemes } from './schemes.ts';
import { addressOf, bytesOf, ScenarioError } from './values.ts';

/** Where the kernel shows the secrets. */
export const SECRETS_FOLDER = '/sys/kernel/security/secrets/coco';

/** Looks whether something is so; `file` is the scenario's. Throws ScenarioError for a check of what is not there. */
export function check(
  pipeline: Pipeline,
  step: Check,
  { file, schemes }: { readonly file: string; readonly schemes: Schemes },
): Finding {
  if ('same' in step || 'differs' in step) {
    const same = 'same' in step;
    const [a, b] = (same ? step.same : step.differs).map((source) =>
      resolveBytes(pipeline, schemes, source, { file, place: `check ${same ? 'same' : 'differs'}` }),
    ) as [Uint8Array, Uint8Array]; // there are two
    const finding = comparePrivate(a, b);
    return same
      ? finding
      : { ...finding, held: !finding.held, expected: `other than those ${a.length} bytes` };
  }
  if ('hostFinds' in step) {
    const found = hostFinds(pipeline.actors.machine.host, bytesOf(step.hostFinds, file, 'check hostFinds'));
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
    const at = indexOfBytes(disk, bytesOf(step.diskHolds, file, 'check diskHolds'));
    const place = at === -1 ? 'nowhere on the disk' : `at byte ${at} of the disk`;
    return {
      held: (at !== -1) === step.diskHolds.expect,
      expected: foundOrNot(step.diskHolds.expect),
      actual: place,
    };
  }
  if ('memory' in step) {
    const wanted = bytesOf(step.memory, file, 'check memory');
    const { running } = pipeline.progress;
    if (running === undefined)
      throw new ScenarioError('check memory: the guest does not run; expected a finish step before it');
    const address = gpa(addressOf(step.memory.gpa));
    const actual = running.resume(({ memory }) => memory.readPrivate(address, wanted.length));
    return comparePrivate(wanted, actual);
  }
  if ('measurement' in step) {
    const { measured } = pipeline.progress;
    if (measured === undefined)
      throw new ScenarioError(
        'check measurement: nothing was measured yet; expected a measure step before it',
      );
    const wanted = bytesOf(step.measurement, file, 'check measurement');
    const actual = measured.measurement.subarray(0, wanted.length);
    return { held: equal(actual, wanted), expected: toHex(wanted), actual: toHex(actual) }; // a host knows both
  }
  if ('trace' in step) return checkTrace(pipeline.observer.events, step.trace);
  const { kernel } = pipeline.progress;
  if (kernel === undefined)
    throw new ScenarioError('check: there is no kernel; expected a boot step before it');
  if ('file' in step) {
    const wanted = bytesOf(step.file, file, 'check file');
    const { bytes: actual, output, status } = kernel.run(`cat ${SECRETS_FOLDER}/${step.file.guid}`);
    return status === 0
      ? comparePrivate(wanted, actual)
      : { held: false, expected: 'a file', actual: output };
  }
  if ('stat' in step) return checkStat(kernel, step.stat);
  if ('files' in step) return checkFiles(kernel, step.files);
  if ('call' in step) return checkCall(kernel, step.call);
  const log = kernel.dmesg().join('\n');
  return { held: log.includes(step.dmesg), expected: `a log with '${step.dmesg}'`, actual: log };
}

const foundOrNot = (expected: boolean): string => (expected ? 'somewhere' : 'nowhere');
