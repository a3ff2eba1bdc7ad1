import type { SevStatus } from '@sevlab/codec/sev/status';
import type { TraceEvent } from '@sevlab/codec/trace';
import { attack } from '@sevlab/lab/scenario/attack';
import { checkTrace } from '@sevlab/lab/scenario/check-trace';
import type { Attack } from '@sevlab/lab/scenario/scenario';
import { type Bench, eventsOf, forkRun } from './bench.ts';

/** An event of the trace. */
export type Event = TraceEvent<Uint8Array>;

/** The type of an event, and fields that must be as they are here. */
export type EventPattern = Event extends infer One
  ? One extends Event
    ? Pick<One, 'type'> & Partial<Omit<One, 'type' | 'open' | 'closed'>>
    : never
  : never;

/** What a test can do with a machine, whoever runs on it. */
export interface Fixture {
  /**
   * What a hostile host does, in the words of a scenario's attack steps; see docs/attacks.md. Some attacks are prepared
   * now and happen at a step to come. Gives what the AMD-SP answers to a command. Throws ScenarioError for an attack on
   * what is not there.
   */
  attack(what: Attack): SevStatus;
  /** Adds an event that is to come, behind those that were added before. Named fields must be as they are here. */
  expects(event: EventPattern): void;
  /** Throws an error unless every expected event came, in order, and every fault that leaves nothing to chance struck. */
  done(): void;
  /** Back to how this was when the test got it: the same past, and nothing expected but what the options say. */
  reset(): void;
  /** Every event so far. */
  trace(): readonly Event[];
}

/** @internal The fixture of a bench; `reset` leads back to this moment. */
export function fixtureOf(bench: Bench): Fixture {
  const pristine = forkRun(bench.run);
  const { expects = [], faults = [] } = bench.options;
  let script: { from: number; events: readonly EventPattern[] } = { from: 0, events: expects };
  return {
    attack: (what) => attack(bench.run.pipeline, what, { schemes: bench.run.schemes, file: '' }),
    expects: (event) => {
      const from = script.events.length === 0 ? eventsOf(bench).length : script.from;
      script = { from, events: [...script.events, event] };
    },
    done: () => {
      const events = eventsOf(bench);
      const { held, expected, actual } = checkTrace(events.slice(script.from), script.events);
      if (!held) throw new Error(`expected ${expected}, got ${actual}`);
      const idle = faults.filter(
        ({ name, chance }) =>
          chance === undefined && !events.some((event) => event.type === 'attack' && event.fault === name),
      );
      if (idle.length > 0)
        throw new Error(
          `expected every fault to strike, and ${idle.map(({ name }) => name).join(', ')} did not`,
        );
    },
    reset: () => {
      bench.run = forkRun(pristine);
      script = { from: 0, events: expects };
    },
    trace: () => eventsOf(bench),
  };
}
