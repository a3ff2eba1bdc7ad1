import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    isolate: false,
    environment: 'node',
    include: ['packages/*/src/**/*.{test,fuzz}.ts', 'e2e/**/*.test.ts'],
    testTimeout: 60_000,
  },
});
