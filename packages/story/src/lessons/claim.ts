import type { AnyEvent } from '../event.ts';
import { positionOf, type Selector } from '../selector.ts';

/** What a text says of a run, in a form that the trace can confirm. */
export interface Claim {
  /** Events that come, in this order, whatever comes between. */
  readonly there?: readonly Selector[];
  /** Events that do not come at all. */
  readonly nowhere?: readonly Selector[];
}

/** Nobody noticed anything: no check failed, nobody refused, nothing stopped. */
export const UNNOTICED: readonly Selector[] = [
  { type: 'precondition', held: false },
  { type: 'verdict', accepted: false },
  { type: 'stop' },
  { type: 'boot-blob', outcome: 'refused' },
];

/** What of the claim is not so in a trace; nothing when all of it is. `nth` counts from the event before. */
export function contradictions(events: readonly AnyEvent[], claim: Claim): Selector[] {
  const missing: Selector[] = [];
  let from = 0;
  for (const selector of claim.there ?? []) {
    const at = positionOf(events.slice(from), selector);
    if (at === undefined) missing.push(selector);
    else from += at + 1;
  }
  const unwanted = (claim.nowhere ?? []).filter((selector) => positionOf(events, selector) !== undefined);
  return [...missing, ...unwanted];
}
