import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createObserver } from '@sevlab/ambient/observer';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '@sevlab/guest-kernel-sim/plain-guest';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { expect, it } from 'vitest';
import {
  type Answer,
  drawSequences,
  emulatedAnswers,
  type Operation,
} from '../packages/guest-kernel-sim/test/file-operations.ts';

const TMPFS_MAGIC = 0x0102_1994;
const SHARED_MEMORY = '/dev/shm';
const SEED = Number(process.env.SEVLAB_FUZZ_SEED ?? 1);
const COUNT = Number(process.env.SEVLAB_FILE_SEQUENCES ?? 1500);
const script = fileURLToPath(new URL('../packages/guest-kernel-sim/test/real-files.py', import.meta.url));

/** Why this machine's own kernel cannot be asked; empty when it can. */
function missing(): string {
  if (process.getuid?.() !== 0) return 'this is not root';
  if (spawnSync('python3', ['--version']).status !== 0) return 'there is no python3';
  const isTmpfs = () => statfsSync(SHARED_MEMORY).type === TMPFS_MAGIC;
  try {
    return isTmpfs() ? '' : `${SHARED_MEMORY} is no tmpfs`;
  } catch (error) {
    return `${SHARED_MEMORY}: ${error instanceof Error ? error.message : error}`;
  }
}

function real(sequences: readonly Operation[][]): { folder: string; answers: Answer[][] } {
  const folder = mkdtempSync(`${SHARED_MEMORY}/sevlab-`);
  chmodSync(folder, 0o755); // other users' paths lead through it
  try {
    const input = sequences.map((sequence) => `${JSON.stringify(sequence)}\n`).join('');
    const run = spawnSync('python3', [script, folder], { input, maxBuffer: 1 << 29, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const lines = run.stdout.trim().split('\n');
    return { folder, answers: lines.map((line) => JSON.parse(line)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A kernel as new as those whose tmpfs has `user.*` attributes and O_DIRECT. */
function emulated(folder: string, sequence: number, operations: readonly Operation[]): Answer[] {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    const { bootParams } = PLAIN_GUEST;
    const kernel = bootKernel({ context, bootParams, profile: kernelProfile('6.12'), observer });
    return emulatedAnswers(kernel, folder, sequence, operations);
  });
}

const reason = missing();
if (reason !== '') process.stderr.write(`NOT COMPARED with this machine's tmpfs: ${reason}\n`);

it.runIf(reason === '')("files in /tmp answer as in this machine's tmpfs", { timeout: 300_000 }, () => {
  const sequences = drawSequences(SEED, COUNT);
  const { folder, answers: theirs } = real(sequences);
  const differences = sequences.flatMap((operations, i) => {
    const ours = emulated(folder, i, operations);
    const at = ours.findIndex((answer, j) => JSON.stringify(answer) !== JSON.stringify(theirs[i]![j]));
    return at === -1 ? [] : [{ before: operations.slice(0, at + 1), ours: ours[at], theirs: theirs[i]![at] }];
  });
  const count = sequences.reduce((sum, { length }) => sum + length, 0);
  process.stderr.write(
    `${count} file operations in ${COUNT} sequences, seed ${SEED}: ${differences.length} differences\n`,
  );
  expect(differences.toSorted((a, b) => a.before.length - b.before.length)[0]).toBeUndefined();
});
