import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyTrace, recorded } from '../test/events.ts';
import { readersOf } from './readers.ts';
import { describeEvent } from './sentences.ts';
import { STAGES } from './stages.ts';
import { stepAt, stepsOf } from './steps.ts';

const BROKEN = /undefined|NaN|\[object|null|\s{2}|^\s|\s$|\.\.(?!\.)/;

test('every event belongs to exactly one step, in order', () => {
  fc.assert(
    fc.property(anyTrace, (events) => {
      const steps = stepsOf(events);
      expect(
        steps.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
      ).toEqual(events.map((_, i) => i));
      expect(steps.map(({ index }) => index)).toEqual(steps.map((_, i) => i));
      for (const [i] of events.entries()) expect(stepAt(steps, i)).toBeDefined();
    }),
  );
});

test('whatever happens, there are words for it', () => {
  fc.assert(
    fc.property(anyTrace, (events) => {
      for (const { title, sentence, sees, cannotSee, clause, stage } of stepsOf(events)) {
        for (const text of [title, sentence, sees, cannotSee, clause ?? 'none']) {
          expect(text).not.toMatch(BROKEN);
          expect(text).not.toBe('');
        }
        expect(STAGES.map(({ id }) => id)).toContain(stage);
      }
      for (const event of events) expect(describeEvent(event)).not.toMatch(BROKEN);
    }),
  );
});

test('the host and its disk never read closed bytes', () => {
  fc.assert(
    fc.property(anyTrace, (events) => {
      for (const event of events) {
        const { open, closed, openReason, closedReason } = readersOf(event);
        expect(closed).not.toContain('host');
        expect(closed).not.toContain('disk');
        expect(open.includes('host')).toBe(event.open !== undefined);
        expect(closed.length > 0 ? event.closed : {}).toBeDefined();
        expect(openReason && closedReason).toMatch(/\.$/);
      }
    }),
  );
});

test('what a run did so far is told alike while it goes on, but for the last step', () => {
  const whole = stepsOf(recorded.events);
  fc.assert(
    fc.property(fc.nat(recorded.events.length), (length) => {
      const soFar = stepsOf(recorded.events.slice(0, length)).slice(0, -2);
      expect(soFar).toEqual(whole.slice(0, soFar.length));
    }),
    { numRuns: 50 },
  );
});
