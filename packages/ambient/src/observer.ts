import type { Actor, TraceBody, TraceEvent } from '@sevlab/codec/trace';
import { type ClockState, createClock } from './clock.ts';

/** An event in memory, with its bytes. */
export type RecordedEvent = TraceEvent<Uint8Array>;
/** What a boundary reports: the event without what every event has. */
export type Observation = TraceBody & Pick<RecordedEvent, 'open' | 'closed'>;

/** Time and trace of one machine, as plain data. */
export interface ObserverState {
  readonly machine: string;
  readonly clock: ClockState;
  readonly start: bigint;
  seq: number;
  /** Absent when nobody records. */
  readonly events?: RecordedEvent[];
}

/**
 * What crosses a boundary passes here: time moves by one step, and the event is recorded when somebody records.
 * Time moves in any case, so that a traced run is the same run.
 */
export class Observer {
  readonly state: ObserverState;

  constructor(state: ObserverState) {
    this.state = state;
  }

  /** `describe` is called only when somebody records. */
  observe(actor: Actor, to: Actor, describe: () => Observation): void {
    const { state } = this;
    state.clock.now += state.clock.perEvent;
    const seq = state.seq++;
    if (state.events === undefined) return;
    const t = Number(state.clock.now - state.start);
    state.events.push({ seq, t, machine: state.machine, actor, to, ...describe() });
  }

  /** Reading it does not move it; setting `now` does. */
  get clock(): ClockState {
    return this.state.clock;
  }

  /** The events so far; empty when nobody records. */
  get events(): readonly RecordedEvent[] {
    return this.state.events ?? [];
  }

  /** The same past, another future. Both name the machine alike: a fork is a run that began the same way. */
  fork(): Observer {
    const { state } = this;
    return new Observer({
      ...state,
      clock: { ...state.clock },
      ...(state.events && { events: [...state.events] }),
    });
  }
}

/** A run that begins now. `machine` names it in events (default `m0`); without `record` no event is kept. */
export function createObserver(
  options: { machine?: string; record?: boolean; clock?: Partial<ClockState> } = {},
): Observer {
  const clock = createClock(options.clock);
  return new Observer({
    machine: options.machine ?? 'm0',
    clock,
    start: clock.now,
    seq: 0,
    ...(options.record && { events: [] }),
  });
}
