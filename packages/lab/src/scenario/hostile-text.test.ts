import { utf8 } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { readSentScenario } from './load.ts';
import { variantsOf } from './matrix.ts';
import { runScenario } from './run.ts';
import { setupOf } from './setup.ts';
import { ScenarioError } from './values.ts';

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return 'none';
};

const bombs = `${'abcdefgh'
  .split('')
  .map(
    (name, i, all) =>
      `${name}: &${name} [${Array(9)
        .fill(i === 0 ? '1' : `*${all[i - 1]}`)
        .join(', ')}]`,
  )
  .join('\n')}\n`;

test.each([
  ['an alias without an anchor', 'title: *a\n', /alias/],
  ['an alias within an alias within an alias', bombs, /alias/],
  ['a matrix that is nothing', '{"matrix": null, "steps": []}', /^matrix: expected fields/],
  ['a matrix of a list', '{"matrix": [1], "steps": []}', /^matrix: expected fields/],
  [
    'a matrix without a value',
    '{"matrix": {"linux": []}, "steps": []}',
    /^matrix.linux: expected a list of one/,
  ],
])('%s is refused', (_, text, message) => {
  expect(refusal(() => variantsOf(readSentScenario(utf8(text))))).toMatch(message);
});

test('a shell step in front of the boot is refused', () => {
  const scenario = { version: 1, title: 'early', steps: [{ shell: 'ls' }] } as const;
  const { setup, secrets } = setupOf(scenario, '', { record: false });
  expect(refusal(() => runScenario(scenario, '', setup, secrets))).toMatch(/expected a boot step before it/);
});
