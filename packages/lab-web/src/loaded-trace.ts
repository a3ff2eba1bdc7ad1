import type { TraceEvent, TraceHeader } from '@sevlab/codec/trace';
import type { TraceBytes } from '@sevlab/story/event';
import { readTrace } from '@sevlab/story/read-trace';
import { type Step, stepsOf } from '@sevlab/story/steps';

/** A trace that the player plays. */
export interface LoadedTrace {
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent<TraceBytes>[];
  readonly steps: readonly Step[];
}

/** Reads a trace file. Throws SyntaxError. */
export function loadTrace(text: string): LoadedTrace {
  const { header, events } = readTrace(text);
  return { header, events, steps: stepsOf(events) };
}

/** The events of a step. */
export const eventsOf = ({ events }: LoadedTrace, { first, last }: Step): readonly TraceEvent<TraceBytes>[] =>
  events.slice(first, last + 1);

/** What the step is called where there is little room: a command's name, else its title. */
export function shortTitle({ kind, title }: Step): string {
  if (kind === 'shell') return title.replace(/^Shell: /, '# ');
  const colon = title.indexOf(': ');
  return colon < 0 || kind === 'kernel' ? title : title.slice(0, colon);
}
