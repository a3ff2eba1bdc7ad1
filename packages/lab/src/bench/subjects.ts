import type { Effort } from './compare.ts';
import type { Measured } from './figure.ts';

/** What can be measured alone, by `--only`; each is loaded when it is needed. */
export const SUBJECTS: Readonly<Record<string, (effort: Effort) => Promise<readonly Measured[]>>> = {
  encryption: async (effort) => (await import('./encryption.ts')).encryptionFigures(effort),
  table: async (effort) => (await import('./secret-table.ts')).secretTableFigures(effort),
  kernel: async (effort) => (await import('./real-kernel.ts')).realKernelFigures(effort),
  run: async (effort) => (await import('./whole-run.ts')).wholeRunFigures(effort),
  forks: async (effort) => (await import('./forked-runs.ts')).forkedRunFigures(effort),
  cold: async (effort) => (await import('./cold-start.ts')).coldStartFigures(effort),
  memory: async (effort) => (await import('./guest-memory.ts')).guestMemoryFigures(effort),
  workers: async (effort) => (await import('./workers.ts')).workerFigures(effort),
};

/** By name: all that the page of the benchmark shows; what CI can afford; and what a test needs to see it work. */
export const EFFORTS = {
  full: { runs: 15, warmUp: 1000, atLeast: 60 },
  short: { runs: 5, warmUp: 200, atLeast: 20 },
  tiny: { runs: 3, warmUp: 0, atLeast: 0.5 },
} as const satisfies Record<string, Effort>;
export type EffortName = keyof typeof EFFORTS;
