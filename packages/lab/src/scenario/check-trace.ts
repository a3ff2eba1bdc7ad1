import type { RecordedEvent } from '@sevlab/ambient/observer';
import type { Finding } from './finding.ts';

/** Fields of an event, and what must be in them. */
export type EventPattern = Readonly<Record<string, unknown>>;

/** Whether events that have these fields come in this order, whatever comes between. */
export function checkTrace(events: readonly RecordedEvent[], wanted: readonly EventPattern[]): Finding {
  let from = 0;
  for (const [i, pattern] of wanted.entries()) {
    const at = events.findIndex((event, place) => place >= from && fits(event, pattern));
    if (at === -1) {
      const before = i === 0 ? 'in the trace' : `behind event ${from - 1}, which is number ${i} of these`;
      const near = nearestEvent(events.slice(from), pattern);
      const instead = near === undefined ? '' : `; nearest is ${JSON.stringify(near)}`;
      return {
        held: false,
        expected: JSON.stringify(pattern),
        actual: `no such event ${before}${instead}`,
      };
    }
    from = at + 1;
  }
  return { held: true, expected: `${wanted.length} events in this order`, actual: 'they are there' };
}

const fits = (value: unknown, pattern: unknown): boolean =>
  typeof pattern === 'object' && pattern !== null
    ? typeof value === 'object' &&
      value !== null &&
      Object.entries(pattern).every(([name, part]) => fits(Reflect.get(value, name), part))
    : value === pattern;

/** Of the event that shares most with a pattern, of its type at least and in one more field, the fields that the pattern names. */
function nearestEvent(events: readonly RecordedEvent[], pattern: EventPattern): EventPattern | undefined {
  const names = Object.keys(pattern).filter((name) => typeof pattern[name] !== 'object'); // no bytes
  let most = 1;
  let nearest: EventPattern | undefined;
  for (const event of events) {
    if (event.type !== pattern.type) continue;
    const shared = names.filter((name) => fits(Reflect.get(event, name), pattern[name])).length;
    if (shared <= most) continue;
    most = shared;
    nearest = Object.fromEntries(names.map((name) => [name, Reflect.get(event, name)]));
  }
  return nearest;
}
