import type { RecordedEvent } from '@sevlab/ambient/observer';

/** The nearest thing to a reason that happened in a step. */
export function causeIn(events: readonly RecordedEvent[]): string | undefined {
  for (const event of events.toReversed()) {
    if (event.type === 'precondition' && !event.held)
      return `${event.name} answered ${event.status}, since this does not hold: ${event.condition}`;
    if (event.type === 'verdict' && !event.accepted)
      return `the guest owner refused the ${event.name}: ${event.reason}`;
    if (event.type === 'stop') return `the firmware stopped: ${event.reason}`;
  }
  return undefined;
}
