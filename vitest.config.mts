import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    isolate: false,
    environment: 'node',
    setupFiles: ['tools/fuzz-budget.mts'],
    include: ['packages/*/src/**/*.{test,fuzz}.ts', 'e2e/**/*.test.ts'],
    testTimeout: 60_000,
    maxWorkers: Math.max(3, availableParallelism() - 1), // most tests wait for programs that they start
  },
});
