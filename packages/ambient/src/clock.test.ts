import { expect, test } from 'vitest';
import { createClock } from './clock.ts';

test("virtual time starts in the minute of the kernel documentation's transcript", () => {
  const { now, perEvent, perCommand } = createClock();
  expect(new Date(Number(now / 1_000_000n)).toISOString()).toBe('2022-06-28T11:54:05.000Z');
  expect([perEvent, perCommand]).toEqual([1_000n, 20_000_000_000n]);
});

test('each setting can be given; zero is a setting', () => {
  const options = { now: 0n, perEvent: 0n, perCommand: 1n };
  expect(createClock(options)).toEqual(options);
});
