import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { traceText } from '@sevlab/lab/trace-file';
import { describe, expect, it } from 'vitest';

const FILE = fileURLToPath(new URL('../packages/lab/scenarios/kernel-documentation.yaml', import.meta.url));
const transcript = readFileSync(new URL('test/vectors/kernel-doc-example.txt', import.meta.url), 'utf8');

const runDemo = (options: { seed?: string; linux?: string } = {}) => {
  const { scenario } = loadScenario(FILE);
  const { setup, secrets } = setupOf(scenario, FILE, { record: true, ...options });
  return runScenario(scenario, FILE, setup, secrets);
};

const sessionOf = ({ results }: ReturnType<typeof runDemo>) =>
  results.map(({ step, output }) => ('shell' in step ? `# ${step.shell}\n${output}` : '')).join('');

describe('the demonstration', () => {
  it("ends with the kernel documentation's transcript, byte for byte", () => {
    expect(sessionOf(runDemo())).toContain(transcript);
  });

  it('says the same under any seed: keys and ciphertext are not what a user sees', () => {
    expect(sessionOf(runDemo({ seed: 'another' }))).toContain(transcript);
  });

  it.each([
    ['documented', true],
    ['5.19', true],
    ['6.1.148', true],
    ['6.1', false],
    ['6.12', false],
    ['7.3', false],
  ])('on Linux %s, rm moves the time of the directory: %s', (linux, moves) => {
    const run = runDemo({ linux });
    expect(run.passed).toBe(moves);
    const deviation = run.results.find(({ finding }) => finding?.held === false)?.finding;
    if (!moves) expect(deviation?.actual).toBe(deviation?.expected.replace('11:55 .', '11:54 .'));
  });

  it('gives one trace for one seed, and another for another', () => {
    const options = { command: 'demo', scenario: 'kernel-documentation', reveal: true };
    const trace = (seed: string) => traceText(runDemo({ seed }).pipeline, options);
    expect(trace('a')).toBe(trace('a'));
    expect(trace('a')).not.toBe(trace('b'));
  });
});
