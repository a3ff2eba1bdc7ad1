import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { ROOT_FOLDER } from '../root-folder.ts';
import type { Effort } from './compare.ts';
import { type Figure, judged, type Target } from './figure.ts';
import { benchSecrets } from './guest-under-test.ts';
import { spreadOf } from './spread.ts';

const SEVLAB = join(ROOT_FOLDER, 'sevlab');

interface ColdStart {
  readonly name: string;
  readonly words: readonly string[];
  readonly target: Target;
}

/** Commands in processes of their own, beside Node that does nothing; in turns, by the clock on the wall. */
export function coldStartFigures({ runs }: Effort): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'sevlab-bench-'));
  try {
    const area = join(folder, 'area.bin');
    writeFileSync(area, encodeSecretTable(benchSecrets(4)));
    const commands: ColdStart[] = [
      { name: 'cold-version', words: ['--version'], target: { atMost: 3 } },
      { name: 'cold-guest', words: ['guest', area], target: { atMost: 3 } },
      { name: 'cold-demo', words: ['demo'], target: { atMost: 6 } },
    ];
    for (const { words } of commands) start([SEVLAB, ...words]); // files come from the disk once
    const rounds = Array.from({ length: runs }, () => ({
      bare: start(['-e', '0']),
      ours: commands.map(({ words }) => start([SEVLAB, ...words])),
    }));
    return commands.map(({ name, words, target }, i) => {
      const ratio = spreadOf(rounds.map(({ bare, ours }) => ours[i]! / bare)); // each round has all commands
      return judged({
        name,
        what: `sevlab ${words[0]} in a process of its own`,
        reference: 'node -e 0',
        unit: 'times',
        value: ratio,
        target,
        costRatio: ratio,
        ours: spreadOf(rounds.map(({ ours }) => ours[i]!)),
        referenceTime: spreadOf(rounds.map(({ bare }) => bare)),
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Without what the benchmark tells malloc, and without what somebody tells Node: to read more certificates takes thrice
 * as long as to start.
 */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE|MALLOC)_/.test(name)));

/** Milliseconds until the process has ended. Throws when it fails. */
function start(words: readonly string[]): number {
  const env = environment();
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const took = performance.now() - begin;
  if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status}: ${stderr}`);
  return took;
}
