import type { AnyEvent, EventOf } from './event.ts';

/** What kind of step a person follows. `host-memory`: the host, or its disk, uses memory outside commands. */
export type StepKind =
  | 'message'
  | 'verdict'
  | 'command'
  | 'host-memory'
  | 'kvm'
  | 'qmp'
  | 'vmrun'
  | 'firmware'
  | 'handover'
  | 'kernel'
  | 'shell'
  | 'stop';

/** Events that make one step: `first` to `last`, positions in the trace, both included. */
export interface StepEvents {
  readonly kind: StepKind;
  readonly first: number;
  readonly last: number;
}

interface Open {
  kind: StepKind;
  readonly first: number;
  /** Position of a command's own event; its buffer is written and read in front of it. */
  readonly commandAt: number;
  /** Whether the event that ends the step has come. */
  done: boolean;
}

/** In front of a command: the host writes its buffer, the AMD-SP reads it. */
const BUFFER_EVENTS = 2;

/** Splits a trace into steps: every event belongs to exactly one, and they come in order. */
export function splitSteps(events: readonly AnyEvent[]): StepEvents[] {
  const steps: StepEvents[] = [];
  const typed = typingDetector(events);
  let open: Open | undefined;
  let userSpace = false;
  for (const [i, event] of events.entries()) {
    const typedNow = isGuest(event) && typed(i);
    if (event.type === 'vmrun') userSpace = false;
    if (event.type === 'syscall' || event.type === 'shell' || typedNow) userSpace = true;
    if (open === undefined || typedNow || !joins(events, i, open)) {
      if (open !== undefined) steps.push({ kind: open.kind, first: open.first, last: i - 1 });
      open = openAt(events, i, userSpace);
    }
    finish(open, event, i);
  }
  if (open !== undefined) steps.push({ kind: open.kind, first: open.first, last: events.length - 1 });
  return steps;
}

const isGuest = ({ actor }: AnyEvent): boolean => actor === 'kernel' || actor === 'user';

/**
 * Whether time passed in front of event `i` other than by the event itself: somebody typed a command. Virtual time
 * moves by the same amount at every event, and by more only when somebody types.
 */
function typingDetector(events: readonly AnyEvent[]): (i: number) => boolean {
  const rate = (i: number): number => {
    const [before, event] = [events[i - 1]!, events[i]!];
    return (event.t - before.t) / (event.seq - before.seq);
  };
  let perEvent = Number.POSITIVE_INFINITY;
  for (let i = 1; i < events.length; i++) perEvent = Math.min(perEvent, rate(i));
  return (i) => i > 0 && rate(i) > perEvent;
}

function openAt(events: readonly AnyEvent[], i: number, userSpace: boolean): Open {
  const commandAt = commandFrom(events, i);
  const kind = commandAt === undefined ? kindOf(events[i]!, userSpace) : 'command';
  return { kind, first: i, commandAt: commandAt ?? -1, done: false };
}

/** The position of the command that the events from `i` on are the start of. */
function commandFrom(events: readonly AnyEvent[], i: number): number | undefined {
  for (let at = i; at <= i + BUFFER_EVENTS; at++) {
    const event = events[at];
    if (event?.type === 'command') {
      const prelude = events.slice(i, at);
      return prelude.every((part) => bringsBuffer(part, event.bufferPaddr)) ? at : undefined;
    }
  }
  return undefined;
}

/** The host writes the command buffer, or the AMD-SP reads it. */
const bringsBuffer = (event: AnyEvent, buffer: string): boolean =>
  (event.actor === 'host' && isAccessAt(event, 'write', buffer)) ||
  (event.actor === 'amd-sp' && isAccessAt(event, 'read', buffer));

const isAccessAt = (event: AnyEvent, operation: 'read' | 'write', address: string): boolean =>
  event.type === 'access' &&
  event.view === 'raw' &&
  event.operation === operation &&
  event.segments[0]?.spa === address;

function kindOf(event: AnyEvent, userSpace: boolean): StepKind {
  switch (event.type) {
    case 'message':
    case 'verdict':
    case 'vmrun':
    case 'handover':
    case 'stop':
    case 'command':
    case 'shell':
    case 'kvm':
    case 'qmp':
      return event.type;
    case 'precondition':
    case 'status':
    case 'key':
      return 'command';
    case 'syscall':
      return 'shell';
    case 'page-state':
      if (event.actor === 'firmware') return 'firmware';
      return userSpace ? 'shell' : 'kernel';
    case 'printk':
    case 'uevent':
      return userSpace ? 'shell' : 'kernel';
    case 'remap':
    case 'attack':
      return 'host-memory';
    case 'fw-cfg':
    case 'boot-blob':
      return 'firmware';
    case 'access':
      if (event.actor === 'amd-sp') return 'command';
      if (event.actor === 'firmware') return 'firmware';
      if (isGuest(event)) return userSpace ? 'shell' : 'kernel';
      return 'host-memory';
  }
}

/** Whether event `i` goes on with the open step. */
function joins(events: readonly AnyEvent[], i: number, open: Open): boolean {
  if (i <= open.commandAt || readsAnswer(events, open, i) || endsCall(events, open, i)) return true;
  if (open.done || commandFrom(events, i) !== undefined) return false;
  const event = events[i]!;
  switch (open.kind) {
    case 'command':
      return kindOf(event, false) === 'command';
    case 'host-memory':
    case 'firmware':
      return kindOf(event, false) === open.kind || (open.kind === 'firmware' && event.actor === 'disk');
    case 'kernel':
      return kindOf(event, false) === 'kernel' || event.actor === 'disk';
    case 'shell':
      return kindOf(event, true) === 'shell' || event.actor === 'disk';
    default:
      return false;
  }
}

/** The host reads the command buffer right behind the status. */
function readsAnswer(events: readonly AnyEvent[], open: Open, i: number): boolean {
  const command = events[open.commandAt] as EventOf<'command'> | undefined; // commandAt is where a command was found
  const event = events[i];
  return (
    command !== undefined &&
    events[i - 1]?.type === 'status' &&
    event?.actor === 'host' &&
    isAccessAt(event, 'read', command.bufferPaddr)
  );
}

/** A call of KVM comes back: it belongs to what it did last. One that KVM refused by itself did nothing. */
function endsCall(events: readonly AnyEvent[], open: Open, i: number): boolean {
  const event = events[i];
  if (event?.type !== 'kvm' || events[i - 1]?.type === 'kvm') return false;
  return open.kind === 'command' || (open.kind === 'host-memory' && event.ret === 0);
}

/** Marks the step as complete, if the event is what its kind ends with. */
function finish(open: Open, event: AnyEvent, i: number): void {
  if (open.kind === 'command') open.done ||= event.type === 'status';
  if (open.kind === 'shell') open.done ||= event.type === 'shell';
  // udev announces a device again before it loads the module: such an event begins what follows
  if (open.kind === 'kernel') open.done ||= event.type === 'uevent' && i > open.first;
}
