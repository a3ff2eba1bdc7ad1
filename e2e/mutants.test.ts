import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

function mutants(pattern: string) {
  const { status, stdout } = spawnSync(process.execPath, ['tools/mutants.mjs', '--only', pattern], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

it('finds the text of every mutant, kills one, and says why another may survive', () => {
  const killed = 'LAUNCH_SECRET: nobody checks that MAC matches';
  const survives = 'COPY: nobody checks that LENGTH is not 0';
  const { status, lines } = mutants(`${killed}|${survives}`);
  expect(lines).toHaveLength(4);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(new RegExp(`^[A-Z]{3}-\\d+ fails: ${killed}$`)),
      `SURVIVED: ${survives}`,
      expect.stringMatching(/^ {2}reason: No public text says/),
      '2 mutants, 1 killed, 1 survived',
    ]),
  );
  expect(status).toBe(0);
}, 180_000);

it('takes a pattern that fits no mutant for a mistake', () => {
  expect(mutants('no mutant at all').status).toBe(1);
}, 180_000);
