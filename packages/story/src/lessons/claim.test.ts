import { expect, test } from 'vitest';
import { trace } from '../../test/events.ts';
import { contradictions, UNNOTICED } from './claim.ts';

const status = (name: string, answer: string) =>
  ({ type: 'status', actor: 'amd-sp', name, status: answer, code: 0 }) as const;
const events = trace(
  status('LAUNCH_START', 'SUCCESS'),
  {
    ...{ type: 'precondition', actor: 'amd-sp', name: 'LAUNCH_SECRET', condition: 'MAC matches' },
    ...{ held: false, status: 'BAD_MEASUREMENT' },
  },
  status('LAUNCH_SECRET', 'BAD_MEASUREMENT'),
);
const start = { type: 'status', name: 'LAUNCH_START' } as const;
const secret = { type: 'status', name: 'LAUNCH_SECRET' } as const;

test('what comes in this order is so, and the other way round it is not', () => {
  expect(contradictions(events, { there: [start, secret] })).toEqual([]);
  expect(contradictions(events, { there: [secret, start] })).toEqual([start]);
  expect(contradictions(events, { there: [secret, secret] })).toEqual([secret]);
});

test('what must not come is named when it came', () => {
  expect(contradictions(events, { nowhere: UNNOTICED })).toEqual([{ type: 'precondition', held: false }]);
  expect(contradictions(events, { nowhere: [{ type: 'stop' }] })).toEqual([]);
});
