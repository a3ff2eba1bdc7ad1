import { readFileSync } from 'node:fs';
import { createObserver } from '@sevlab/ambient/observer';
import { describe, expect, it } from 'vitest';
import { type Answer, emulatedAnswers, type Operation } from '../test/file-operations.ts';
import { bootKernel } from './boot.ts';
import type { Kernel } from './kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';

interface Recorded {
  readonly operations: readonly Operation[];
  readonly answers: readonly Answer[];
}

const recorded = (name: string): Recorded[] =>
  readFileSync(new URL(`../test/vectors/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The folder in which the recording was made. */
const FOLDER = '/dev/shm/sevlab';

/** A kernel as new as those whose tmpfs has `user.*` attributes and O_DIRECT, as the recorded one. */
function boot(): Kernel {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    const { bootParams } = PLAIN_GUEST;
    return bootKernel({ context, bootParams, profile: kernelProfile('6.12'), observer });
  });
}

/** Each operation beside its answer, so that a difference shows which it is. */
const beside = (operations: readonly Operation[], answers: readonly Answer[]) =>
  operations.map((operation, i) => [operation, answers[i]]);

describe('a tmpfs answers as one of Linux 6.18', () => {
  it.each(recorded('tmpfs-6.18.jsonl').map((one, i) => [i, one] as const))('sequence %i', (i, one) => {
    const answers = emulatedAnswers(boot(), FOLDER, i, one.operations);
    expect(beside(one.operations, answers)).toEqual(beside(one.operations, one.answers));
  });
});

/** A file of sysfs that the recording used, and one like it that there is here. */
const RECORDED_FILE = '/sys/devices/system/cpu/online';
const FILE_HERE = '/sys/devices/platform/efi_secret.0/modalias';

describe('procfs and sysfs answer as those of Linux 6.18', () => {
  const all = recorded('proc-sysfs-6.18.jsonl');
  it.each([
    ['procfs, root', 0],
    ['procfs, uid 1000', 1],
    ['sysfs, root', 2],
    ['sysfs, uid 1000', 3],
  ] as const)('%s', (_, i) => {
    const text = JSON.stringify(all[i]).replaceAll(RECORDED_FILE, FILE_HERE);
    const { operations, answers: theirs }: Recorded = JSON.parse(text);
    const answers = emulatedAnswers(boot(), FOLDER, i, operations);
    expect(beside(operations, answers)).toEqual(beside(operations, theirs));
  });
});
