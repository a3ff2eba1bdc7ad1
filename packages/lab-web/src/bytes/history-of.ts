import { MemoryHistory } from '@sevlab/story/memory-history';
import { Structures } from '@sevlab/story/structures';
import type { LoadedTrace } from '../loaded-trace.ts';

type Events = LoadedTrace['events'];

const histories = new WeakMap<Events, MemoryHistory>();
const structures = new WeakMap<Events, Structures>();

/** Memory of the trace through time; built when a view first asks, and kept for the others. */
export const historyOf = ({ events }: LoadedTrace): MemoryHistory =>
  kept(histories, events, () => new MemoryHistory(events));

/** What passes in each step of the trace; a step is looked at when it is asked for. */
export const structuresOf = (trace: LoadedTrace): Structures =>
  kept(structures, trace.events, () => new Structures(trace.events, historyOf(trace)));

function kept<T>(known: WeakMap<Events, T>, events: Events, make: () => T): T {
  const before = known.get(events);
  if (before !== undefined) return before;
  const made = make();
  known.set(events, made);
  return made;
}
