import { createObserver } from '@sevlab/ambient/observer';
import { traceLines } from '@sevlab/ambient/trace-lines';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { traceHeader } from '../trace-file.ts';
import { type LogEntry, SessionLog } from './session-log.ts';

/** The longest bytes of the events below are an input of the run. */
const header = traceHeader({ image: new Uint8Array(5001) }, 0n, {
  command: 'serve',
  scenario: 'test',
  reveal: true,
});

/** What a reader finds from where it is on. */
function read(entries: Iterator<LogEntry | undefined>): LogEntry[] {
  const found: LogEntry[] = [];
  for (;;) {
    const { value } = entries.next();
    if (value === undefined) return found;
    found.push(value);
  }
}

const happenings = fc.array(
  fc.oneof(
    fc.record({ event: fc.constantFrom(0, 3, 5000, 5001) }),
    fc.record({ remark: fc.constantFrom('a', 'b') }),
    fc.record({ read: fc.constant(true) }),
  ),
);

it('tells one story, however often and from wherever it is read', () => {
  fc.assert(
    fc.property(happenings, (happened) => {
      const seen = createObserver({ record: true });
      const log = new SessionLog(header, () => seen.events);
      const live = log.entries();
      const told: LogEntry[] = [];
      const order: string[] = [];
      for (const step of happened) {
        if ('event' in step) {
          const bytes = new Uint8Array(step.event);
          seen.observe('host', 'host', () => ({ type: 'stop', reason: 'x', open: { bytes } }));
          order.push('trace');
        } else if ('remark' in step) {
          log.remark('terminal', { output: step.remark });
          order.push(`terminal {"output":"${step.remark}"}`);
        } else told.push(...read(live));
      }
      told.push(...read(live));
      expect(told).toEqual(read(log.entries()));
      expect(told.map(({ id }) => id)).toEqual(told.map((_, i) => i + 1));
      const lines = told.filter(({ kind }) => kind === 'trace').map(({ data }) => data);
      expect(lines).toEqual([...traceLines(header, seen.events)]);
      expect(log.traceText()).toBe(lines.map((line) => `${line}\n`).join(''));
      const events = told
        .slice(1) // the header
        .filter(({ data }) => !data.startsWith('{"type":"blob"'))
        .map(({ kind, data }) => (kind === 'trace' ? kind : `${kind} ${data}`));
      expect(events).toEqual(order);
    }),
  );
});

it('wakes whoever waits, until he no longer does', () => {
  const log = new SessionLog(header, () => []);
  let woken = 0;
  const stop = log.onWake(() => {
    woken++;
  });
  expect(log.readers).toBe(1);
  log.wake();
  stop();
  log.wake();
  expect({ woken, readers: log.readers }).toEqual({ woken: 1, readers: 0 });
});
