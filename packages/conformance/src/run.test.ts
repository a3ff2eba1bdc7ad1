import { expect, test } from 'vitest';
import { allCases } from './cases.ts';
import { runCase } from './run.ts';
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
