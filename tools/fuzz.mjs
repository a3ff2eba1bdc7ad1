// Runs the property tests with a larger budget: `npm run fuzz -- RUNS` (default 10000 per property).
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const runs = process.argv[2] ?? '10000';
const root = fileURLToPath(new URL('..', import.meta.url));
const { status } = spawnSync('node_modules/.bin/vitest', ['run', '.fuzz.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FUZZ_RUNS: runs },
});
process.exit(status ?? 1);
