// Runs random AMD-SP commands on one core and prints the rate: `node tools/fuzz-commands.mjs [COUNT] [SEED]`
// (default 100000 commands, seed 1). The first command that throws ends it, with what repeats it.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [count = '100000', seed = '1'] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));

const { outputFiles } = await build({
  stdin: {
    contents: `
      export * from './packages/psp-sim/test/random-commands.ts';
      export { SUPPORT } from './packages/psp-sim/src/support.ts';
      export { PROFILES } from './packages/psp-sim/src/profile.ts';
      export { seededEntropy } from './packages/ambient/src/entropy.ts';
      export { SEV_STATUS } from './packages/codec/src/sev/status.ts';`,
    resolveDir: root,
  },
  bundle: true,
  write: false,
  platform: 'node',
  format: 'esm',
  logLevel: 'warning',
});
const source = Buffer.from(outputFiles[0].contents).toString('base64');
const {
  BEGINNINGS,
  COMMAND_RANDOMNESS,
  createArena,
  issueRandom,
  answerOf,
  PROFILES,
  SUPPORT,
  seededEntropy,
  SEV_STATUS,
} = await import(`data:text/javascript;base64,${source}`);

/** Commands before the next platform. */
const SESSION = 40;

const entropy = seededEntropy(seed, 'random commands');
const profiles = Object.keys(PROFILES);
const names = new Map(Object.entries(SEV_STATUS).map(([name, { code }]) => [code, name]));
const statuses = new Map();
const succeeded = new Set();
const start = performance.now();
let arena;
for (let i = 0; i < Number(count); i++) {
  const [profile, beginning] = entropy.bytes(2);
  if (i % SESSION === 0) {
    arena = createArena(profiles[profile % profiles.length], BEGINNINGS[beginning % BEGINNINGS.length]);
  }
  const issued = issueOrReport(i);
  const { answered, code } = answerOf(issued);
  const status = names.get(code);
  if (!answered || status === undefined) fail(i, `answered 0x${issued.response.toString(16)}`);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (status === 'SUCCESS') succeeded.add(issued.name);
}
const seconds = (performance.now() - start) / 1000;

for (const [status, times] of [...statuses].sort(([, a], [, b]) => b - a)) console.log(`${times}\t${status}`);
const never = Object.keys(SUPPORT).filter((name) => SUPPORT[name].command && !succeeded.has(name));
console.log(`never succeeded: ${never.join(', ') || 'none'}`);
console.log(
  `${count} random commands in ${seconds.toFixed(1)} s: ${Math.round(Number(count) / seconds)} per second`,
);

function issueOrReport(i) {
  try {
    return issueRandom(arena, entropy.bytes(COMMAND_RANDOMNESS));
  } catch (error) {
    return fail(i, error.stack);
  }
}

function fail(i, why) {
  console.error(`seed ${seed}, command ${i}: ${why}`);
  process.exit(1);
}
