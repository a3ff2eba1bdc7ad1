import type { Actor, TraceBody } from '@sevlab/codec/trace';
import type { AnyEvent } from './event.ts';
import { type Step, stepAt } from './steps.ts';

/** The fields of an event that are one word, number or yes-and-no, each of which may be asked for. */
type Scalars<Body> = {
  readonly [Name in keyof Body as Name extends 'type'
    ? never
    : Body[Name] extends string | number | boolean | undefined
      ? Name
      : never]?: Body[Name];
};

/**
 * Names an event by what it is, so that it is found again in a run with other keys and addresses:
 * `{ type: 'command', name: 'LAUNCH_SECRET' }`.
 */
export type Selector = {
  readonly [Type in TraceBody['type']]: {
    readonly type: Type;
    /** Which of those that fit, from 1; below 0 from the last. The first unless given. */
    readonly nth?: number;
    readonly actor?: Actor;
    /** Words that some text of the event has in it. */
    readonly includes?: string;
  } & Scalars<Extract<TraceBody, { readonly type: Type }>>;
}[TraceBody['type']];

/** The positions of all events that fit, whichever `nth` says. */
export function positionsOf(events: readonly AnyEvent[], selector: Selector): number[] {
  return events.flatMap((event, i) => (fits(event, selector) ? [i] : []));
}

/** The position of the event in the trace; undefined when there is none. */
export function positionOf(events: readonly AnyEvent[], selector: Selector): number | undefined {
  const { nth = 1 } = selector;
  return positionsOf(events, selector).at(nth > 0 ? nth - 1 : nth);
}

/** The step that the event belongs to; undefined when there is no such event. */
export function stepOf(
  steps: readonly Step[],
  events: readonly AnyEvent[],
  selector: Selector,
): Step | undefined {
  const position = positionOf(events, selector);
  return position === undefined ? undefined : stepAt(steps, position);
}

function fits(event: AnyEvent, { nth, includes, ...fields }: Selector): boolean {
  const own: Readonly<Record<string, unknown>> = { ...event };
  if (!Object.entries(fields).every(([name, value]) => own[name] === value)) return false;
  return (
    includes === undefined ||
    Object.values(own).some((value) => typeof value === 'string' && value.includes(includes))
  );
}
