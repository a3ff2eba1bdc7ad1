import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { ROOT_FOLDER } from '../root-folder.ts';

/**
 * glibc may give a large buffer back to the system, and take the next one from it with a page fault for every 4 KiB, or
 * may keep it: that depends on what a process freed before. AES of 4 MiB takes 0.85 ms or 3, whatever it is compared
 * with. These variables have it keep up to 1 GiB (mallopt(3)); other C libraries do not know them.
 */
const STEADY = { MALLOC_MMAP_THRESHOLD_: `${2 ** 25}`, MALLOC_TRIM_THRESHOLD_: `${2 ** 30}` };

/** Whether this process keeps its memory, or somebody chose otherwise. */
export const memoryIsSteady = (): boolean =>
  Object.keys(STEADY).some((name) => process.env[name] !== undefined);

/** The same command line in a process that keeps its memory. Returns its exit code. */
export function runInSteadyMemory(): number | null {
  const words = [join(ROOT_FOLDER, 'sevlab'), ...process.argv.slice(2)];
  const env = { ...process.env, ...STEADY };
  return spawnSync(process.execPath, words, { env, stdio: 'inherit' }).status;
}

/**
 * V8 lets the heap grow to five times what is alive before it marks all of it. By itself it chooses a factor by what it
 * measured before: the same work had a full garbage collection in every run or in none, and a run took 52 ms or 41.
 */
export function growHeapSteadily(): void {
  setFlagsFromString('--heap-growing-percent=400');
}
