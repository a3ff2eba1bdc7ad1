import type { Actor, Segment } from '@sevlab/codec/trace';
import { type AnyEvent, type EventOf, ofType } from './event.ts';
import { KnownBytes } from './known-bytes.ts';
import { describeStep } from './sentences.ts';
import { MESSAGE_STAGES, type StageId, stageOfCommand } from './stages.ts';
import { type StepEvents, type StepKind, splitSteps } from './step-events.ts';

/** One use of memory. */
export interface Touch {
  readonly actor: Actor;
  readonly view: 'raw' | 'private' | 'shared';
  /** Where the guest sees it; absent for actors outside the guest. */
  readonly gpa?: string;
  /** Bytes that were asked for; the segments may be longer, since encryption works on 16-byte blocks. */
  readonly length: number;
  readonly segments: readonly Segment[];
}

/** Something that happened, as a person follows it. */
export interface Step {
  readonly index: number;
  readonly stage: StageId;
  readonly kind: StepKind;
  readonly title: string;
  readonly actor: Actor;
  readonly to: Actor;
  /** Positions of its first and last event in the trace. */
  readonly first: number;
  readonly last: number;
  /** Who did what to which bytes, and who could see it. */
  readonly sentence: string;
  readonly reads?: readonly Touch[];
  readonly writes?: readonly Touch[];
  /** The check that a command failed at, with the status that it gives. */
  readonly decidedBy?: { readonly condition: string; readonly status: string };
  /** Document and title. */
  readonly clause?: string;
  /** What `actor` sees of this step. */
  readonly sees: string;
  readonly cannotSee: string;
}

/** Folds a trace into steps. Every event belongs to exactly one, in order. */
export function stepsOf(events: readonly AnyEvent[]): Step[] {
  const groups = splitSteps(events);
  const guestPages = new GuestPages();
  const known = new KnownBytes();
  let stage: StageId = 'platform';
  return groups.map((group, index) => {
    const own = events.slice(group.first, group.last + 1);
    const next = groups[index + 1];
    const command = next && ofType(events.slice(next.first, next.last + 1), 'command')[0];
    stage = stageOf(group.kind, own, command) ?? stage;
    const failed = ofType(own, 'precondition').find(({ held }) => !held);
    const decidedBy = failed && { condition: failed.condition, status: failed.status };
    const prose = describeStep({
      kind: group.kind,
      events: own,
      decidedBy,
      changesGuest: group.kind === 'host-memory' && guestPages.meets(own),
      nextCommand: command?.name,
      originOf: (event) => known.originOf(event),
    });
    guestPages.add(own);
    known.add(own);
    const reads = touches(own, 'read');
    const writes = touches(own, 'write');
    return {
      index,
      stage,
      ...group,
      ...between(group, own),
      ...prose,
      ...(reads.length > 0 && { reads }),
      ...(writes.length > 0 && { writes }),
      ...(decidedBy && { decidedBy }),
    };
  });
}

/** The step that an event belongs to; `event` is its position in the trace. */
export const stepAt = (steps: readonly Step[], event: number): Step | undefined =>
  steps.find(({ first, last }) => first <= event && event <= last);

/** The stage that a step belongs to by itself; undefined when that is the stage in which it comes. */
function stageOf(
  kind: StepKind,
  events: readonly AnyEvent[],
  nextCommand: EventOf<'command'> | undefined,
): StageId | undefined {
  switch (kind) {
    case 'message':
    case 'verdict': {
      const [event] = [...ofType(events, 'message'), ...ofType(events, 'verdict')];
      return event && MESSAGE_STAGES[event.name];
    }
    case 'command': {
      const [event] = [...ofType(events, 'command'), ...ofType(events, 'status')];
      return event && stageOfCommand(event.name);
    }
    case 'host-memory': {
      const prepares = ofType(events, 'access').some(({ operation }) => operation === 'write');
      return prepares && nextCommand !== undefined ? stageOfCommand(nextCommand.name) : undefined;
    }
    case 'vmrun':
    case 'firmware':
    case 'handover':
      return 'firmware';
    case 'kernel':
      return 'kernel';
    case 'shell':
      return 'user-space';
    case 'kvm':
    case 'qmp':
    case 'stop':
      return undefined;
  }
}

const ENDS: Readonly<Partial<Record<StepKind, readonly [Actor, Actor]>>> = {
  command: ['host', 'amd-sp'],
  'host-memory': ['host', 'memory'],
  firmware: ['firmware', 'memory'],
  kernel: ['kernel', 'memory'],
  shell: ['user', 'kernel'],
};

function between({ kind }: StepEvents, events: readonly AnyEvent[]): { actor: Actor; to: Actor } {
  const ends = ENDS[kind];
  if (ends !== undefined) return { actor: ends[0], to: ends[1] };
  const { actor, to } = events[0]!; // a step has at least one event
  return { actor, to };
}

const touches = (events: readonly AnyEvent[], operation: 'read' | 'write'): Touch[] =>
  ofType(events, 'access')
    .filter((event) => event.operation === operation)
    .map(({ actor, view, gpa, length, segments }) => ({
      actor,
      view,
      ...(gpa !== undefined && { gpa }),
      length,
      segments,
    }));

/** Pages that hold what was written under a guest's key. */
class GuestPages {
  readonly #pages = new Set<bigint>();

  add(events: readonly AnyEvent[]): void {
    for (const event of privateWrites(events)) {
      for (const page of event.segments.flatMap(pagesOf)) this.#pages.add(page);
    }
  }

  /** Whether the host, or its disk, writes to such a page. */
  meets(events: readonly AnyEvent[]): boolean {
    return ofType(events, 'access')
      .filter(({ operation, view }) => operation === 'write' && view === 'raw')
      .some(({ segments }) => segments.flatMap(pagesOf).some((page) => this.#pages.has(page)));
  }
}

const privateWrites = (events: readonly AnyEvent[]): EventOf<'access'>[] =>
  ofType(events, 'access').filter(({ operation, view }) => operation === 'write' && view === 'private');

const PAGE = 4096n;

function pagesOf({ spa, length }: Segment): bigint[] {
  const pages: bigint[] = [];
  for (let page = BigInt(spa) / PAGE; page * PAGE < BigInt(spa) + BigInt(length); page++) pages.push(page);
  return pages;
}
