import { expect, test } from 'vitest';
import { allCases } from './cases.ts';
import { runCase, runCases } from './run.ts';
import { GivenNotReached, NotHere, type Target } from './target.ts';
import { simTarget } from './targets/sim.ts';

const sim = simTarget();

test.each(allCases().map((testCase) => [testCase.id, testCase.title, testCase] as const))(
  '%s %s',
  (id, _, testCase) => {
    const { expected, actual, outcome } = runCase(testCase, sim);
    expect({ id, actual }).toEqual({ id, actual: expected });
    expect(outcome).toBe('pass');
  },
);

test('a target that cannot begin fails, and says why', () => {
  const stubborn: Target = {
    name: 'stubborn',
    psp: () => {
      throw new GivenNotReached('INIT answered HWERROR_PLATFORM');
    },
  };
  const [first] = allCases();
  expect(runCase(first!, stubborn)).toMatchObject({
    outcome: 'fail',
    actual: 'INIT answered HWERROR_PLATFORM',
  });
});

test('what a target has no room for is skipped, not passed', () => {
  const results = allCases().map((testCase) => runCase(testCase, { name: 'empty' }));
  expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => 'skip'));
});

test('a target may answer the cases of the kernel all at once, in their order', async () => {
  const cases = allCases().filter(({ id }) => ['PRS-01', 'LSE-01', 'PRS-02', 'PRS-03'].includes(id));
  const target: Target = {
    name: 'a kernel alone',
    kernels: async (kernelCases) =>
      kernelCases.map(({ id, then }) => {
        if (id === 'PRS-01') return new NotHere('it is another one');
        return id === 'PRS-02' ? new GivenNotReached('it died') : then;
      }),
  };
  const results = await runCases(cases, target);
  expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['LSE-01', 'skip'],
    ['PRS-01', 'skip'],
    ['PRS-02', 'fail'],
    ['PRS-03', 'pass'],
  ]);
  expect(results.map(({ actual }) => actual).slice(0, 3)).toEqual([
    'a kernel alone has no psp',
    'it is another one',
    'it died',
  ]);
});

test("a fault of the target itself is nobody's failure", () => {
  const broken: Target = {
    name: 'broken',
    psp: () => {
      throw new TypeError('a mistake');
    },
  };
  expect(() => runCase(allCases()[0]!, broken)).toThrow(TypeError);
});
