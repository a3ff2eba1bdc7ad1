import { expect, test } from 'vitest';
import { recorded, trace } from '../test/events.ts';
import { positionOf, positionsOf, stepOf } from './selector.ts';
import { stepsOf } from './steps.ts';

const status = (name: string, answer: string) =>
  ({ type: 'status', actor: 'amd-sp', name, status: answer, code: 0 }) as const;
const events = trace(
  status('INIT', 'SUCCESS'),
  status('LAUNCH_SECRET', 'BAD_MEASUREMENT'),
  status('LAUNCH_SECRET', 'SUCCESS'),
  { type: 'shell', actor: 'user', command: 'ls -la /sys', status: 2 },
  { type: 'shell', actor: 'user', command: 'rm /sys/x', status: 0 },
);

test('an event is found by its type and fields, from either end', () => {
  expect(positionOf(events, { type: 'status' })).toBe(0);
  expect(positionOf(events, { type: 'status', name: 'LAUNCH_SECRET' })).toBe(1);
  expect(positionOf(events, { type: 'status', name: 'LAUNCH_SECRET', nth: 2 })).toBe(2);
  expect(positionOf(events, { type: 'status', nth: -1 })).toBe(2);
  expect(positionOf(events, { type: 'status', nth: 4 })).toBeUndefined();
  expect(positionOf(events, { type: 'status', status: 'SUCCESS', nth: 2 })).toBe(2);
  expect(positionsOf(events, { type: 'status', status: 'SUCCESS' })).toEqual([0, 2]);
});

test('words may be anywhere in a text of the event, and all conditions hold together', () => {
  expect(positionOf(events, { type: 'shell', includes: 'rm ' })).toBe(4);
  expect(positionOf(events, { type: 'shell', includes: '/sys', status: 0 })).toBe(4);
  expect(positionOf(events, { type: 'shell', includes: 'cat' })).toBeUndefined();
  expect(positionOf(events, { type: 'status', actor: 'host' })).toBeUndefined();
});

test('the step is the one that the event belongs to', () => {
  const steps = stepsOf(recorded.events);
  const step = stepOf(steps, recorded.events, { type: 'status', name: 'LAUNCH_SECRET' })!;
  expect(step.title).toMatch(/^LAUNCH_SECRET/);
  expect(step).toBe(stepOf(steps, recorded.events, { type: 'command', name: 'LAUNCH_SECRET' }));
  expect(stepOf(steps, recorded.events, { type: 'stop' })).toBeUndefined();
});
