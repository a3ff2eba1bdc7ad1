import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import type { Scenario, Step } from '@sevlab/lab/scenario/scenario';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { validateScenario } from '@sevlab/lab/scenario/validate';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['packages/lab/scenarios', 'e2e/scenarios'].flatMap((folder) =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => `${root}${folder}/${name}`),
);

const run = (scenario: Scenario, file: string) => {
  const { setup, secrets } = setupOf(scenario, file, { record: true });
  return runScenario(scenario, file, setup, secrets);
};

/** The same step expecting something else. */
function contradicted(step: Step): Step | undefined {
  if ('do' in step && step.expect?.status) return { ...step, expect: { status: 'HWERROR_UNSAFE' } };
  if ('do' in step && step.expect?.refused) return { ...step, expect: { refused: 'nobody says this' } };
  if ('shell' in step && step.expect?.output !== undefined)
    return { ...step, expect: { output: 'nobody prints this' } };
  if ('check' in step && 'hostFinds' in step.check) {
    return { check: { hostFinds: { ...step.check.hostFinds, expect: !step.check.hostFinds.expect } } };
  }
  if ('check' in step && 'memory' in step.check)
    return { check: { memory: { gpa: step.check.memory.gpa, hex: '0123456789' } } };
  if ('check' in step && 'file' in step.check)
    return { check: { file: { guid: step.check.file.guid, hex: '0123456789' } } };
  if ('attack' in step && 'command' in step.attack) return { ...step, expect: { status: 'HWERROR_UNSAFE' } };
  if ('check' in step && 'same' in step.check) return { check: { differs: step.check.same } };
  if ('check' in step && 'differs' in step.check) return { check: { same: step.check.differs } };
  if ('check' in step && 'trace' in step.check)
    return { check: { trace: [...step.check.trace, { type: 'nobody traces this' }] } };
  if ('check' in step && 'files' in step.check)
    return { check: { files: { ...step.check.files, names: ['nobody has this'] } } };
  if ('check' in step && 'dmesg' in step.check) return { check: { dmesg: 'nobody logs this' } };
  return undefined;
}

describe.each(files.map((file) => [file.slice(root.length), file]))('%s', (_, file) => {
  const loaded = loadScenario(file);
  const { scenario } = loaded;

  it('matches the schema, has a title and says what it is about', () => {
    expect(validateScenario(scenario, loaded.placeOf)).toBe(scenario);
    expect(scenario.about?.length).toBeGreaterThan(40);
  });

  it('goes as it says', () => {
    const { results, passed } = run(scenario, file);
    expect(results.filter(({ finding }) => finding?.held === false)).toEqual([]);
    expect({ passed, steps: results.length }).toEqual({ passed: true, steps: scenario.steps.length });
  });

  it('would notice each of its expectations failing', () => {
    const wrong = scenario.steps.flatMap((step, i) => {
      const other = contradicted(step);
      return other ? [{ i, scenario: { ...scenario, steps: scenario.steps.with(i, other) } }] : [];
    });
    expect(wrong.length).toBeGreaterThan(0);
    for (const { i, scenario: changed } of wrong) {
      const { results, passed } = run(changed, file);
      expect({ passed, at: results.length - 1 }).toEqual({ passed: false, at: i });
    }
  });
});

it('all run from the command line', () => {
  const { status, stdout } = spawnSync(`${root}sevlab`, ['run', ...files], { encoding: 'utf8', cwd: '/' });
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .every((line) => line.includes(': as expected, ')),
  ).toBe(true);
  expect(status).toBe(0);
});

describe('the 26 attacks', () => {
  const page = readFileSync(`${root}docs/attacks.md`, 'utf8');
  const shown = files.flatMap((file) => {
    const { lesson } = loadScenario(file).scenario;
    return lesson?.attack === undefined ? [] : [{ file, attack: lesson.attack }];
  });
  const folder = 'packages/lab/scenarios/attacks';

  it.each(Array.from({ length: 26 }, (_, i) => `A${i + 1}`))(
    '%s has a scenario on the page, or a reason',
    (id) => {
      const rows = page.split('\n').filter((line) => line.startsWith(`| ${id} | `));
      expect(rows.length).toBeGreaterThan(0);
      const own = shown
        .filter(({ attack }) => attack === id)
        .map(({ file }) => file.slice(`${root}${folder}/`.length));
      if (own.length === 0) expect(rows).toEqual([expect.stringContaining('| not shown: ')]);
      for (const name of own) expect(page).toContain(`](../${folder}/${name})`);
      for (const row of rows) expect(row).not.toContain('undefined');
    },
  );

  it('are all in the folder, under the number of their name', () => {
    for (const { file, attack } of shown)
      expect(file.slice(root.length)).toMatch(new RegExp(`^${folder}/a${attack.slice(1).padStart(2, '0')}-`));
    const numbered = files.filter((file) => file.startsWith(`${root}${folder}/`));
    expect(shown).toHaveLength(numbered.length);
  });
});
