import type { RecordedEvent } from '@sevlab/ambient/observer';
import type { Finding } from './check.ts';

/** Whether events that have these fields come in this order, whatever comes between. */
export function checkTrace(
  events: readonly RecordedEvent[],
  wanted: readonly Readonly<Record<string, unknown>>[],
): Finding {
  let from = 0;
  for (const [i, pattern] of wanted.entries()) {
    const at = events.findIndex((event, place) => place >= from && fits(event, pattern));
    if (at === -1) {
      const before = i === 0 ? 'in the trace' : `behind event ${from - 1}, which is number ${i} of these`;
      return { held: false, expected: JSON.stringify(pattern), actual: `no such event ${before}` };
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
