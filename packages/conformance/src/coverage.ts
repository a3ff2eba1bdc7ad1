import { readForm } from '@sevlab/codec/message-form';
import { SEV_STATUS, type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import { Errno } from '@sevlab/guest-kernel-sim/errno';
import type { GuestState } from '@sevlab/psp-sim/guest';
import { serve } from '@sevlab/psp-sim/mailbox';
import type { PlatformState, SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { commandById, SUPPORT } from '@sevlab/psp-sim/support';
import { SEV_MESSAGES } from '@sevlab/vmm-sim/qemu/sev-messages';
import reasons from '../cases/gaps.json' with { type: 'json' };
import type { Case } from './case.ts';
import { clauseOf } from './clause.ts';
import { runCase } from './run.ts';
import { simTarget } from './targets/sim.ts';
import type { Serve } from './targets/sim-platform.ts';

/** Something that no case does, and why none does. */
export interface Gap {
  readonly what: string;
  /** Undefined when nobody wrote it down: coverage.test.ts fails then. */
  readonly why: string | undefined;
}

/** What the cases leave out. */
export interface Coverage {
  /** Commands of 55766 that are the clause of no case. */
  readonly clauses: readonly Gap[];
  /** Statuses that no AMD-SP answers in any case. */
  readonly statuses: readonly Gap[];
  /** Statuses for which a command has a check, and which it answers in no case: a gap for each command. */
  readonly answers: readonly Gap[];
  readonly errno: readonly Gap[];
  /** Transitions of the state machines that are taken in no case. */
  readonly transitions: readonly Gap[];
  /** Messages of QEMU about SEV that are expected in no case, by what is wrong. */
  readonly messages: readonly Gap[];
}

const PLATFORM_TRANSITIONS: readonly (readonly [PlatformState, string, PlatformState])[] = [
  ['UNINIT', 'INIT', 'INIT'],
  ['UNINIT', 'INIT_EX', 'INIT'],
  ['INIT', 'LAUNCH_START', 'WORKING'],
  ['INIT', 'RECEIVE_START', 'WORKING'],
  ['WORKING', 'DECOMMISSION', 'INIT'],
  ['INIT', 'SHUTDOWN', 'UNINIT'],
  ['WORKING', 'SHUTDOWN', 'UNINIT'],
];

/** A guest in UNINIT is one that is not there. */
const GUEST_TRANSITIONS: readonly (readonly [GuestState, string, GuestState])[] = [
  ['UNINIT', 'LAUNCH_START', 'LUPDATE'],
  ['LUPDATE', 'LAUNCH_MEASURE', 'LSECRET'],
  ['LSECRET', 'LAUNCH_FINISH', 'RUNNING'],
  ['RUNNING', 'SEND_START', 'SUPDATE'],
  ['SUPDATE', 'SEND_CANCEL', 'RUNNING'],
  ['SUPDATE', 'SEND_FINISH', 'SENT'],
  ['UNINIT', 'RECEIVE_START', 'RUPDATE'],
  ['RUPDATE', 'RECEIVE_FINISH', 'RUNNING'],
  ['LUPDATE', 'DECOMMISSION', 'UNINIT'],
  ['LSECRET', 'DECOMMISSION', 'UNINIT'],
  ['RUNNING', 'DECOMMISSION', 'UNINIT'],
  ['SUPDATE', 'DECOMMISSION', 'UNINIT'],
  ['RUPDATE', 'DECOMMISSION', 'UNINIT'],
  ['SENT', 'DECOMMISSION', 'UNINIT'],
];

/** The transitions of 55766, Platform State Machine and Guest State Machine, each as one text. */
const TRANSITIONS: readonly string[] = [
  ...PLATFORM_TRANSITIONS.map((each) => `platform: ${each.join(', ')}`),
  ...GUEST_TRANSITIONS.map((each) => `guest: ${each.join(', ')}`),
];

/** Runs the cases of the AMD-SP on the simulator, watches it, and looks at what the others expect. */
export function coverageOf(cases: readonly Case[]): Coverage {
  const { answers, transitions } = watch(cases);
  const answered = new Set([...answers.values()].flatMap((own) => [...own]));
  const clauses = new Set(cases.map(({ clause }) => clauseOf(clause).title));
  const errno = new Set(cases.flatMap((each) => (each.room === 'kernel' ? errnoIn(each.then) : [])));
  const statuses = Object.keys(SEV_STATUS) as SevStatus[]; // keys of a literal record are its names
  return {
    clauses: gaps('clauses', Object.keys(SUPPORT), clauses),
    statuses: gaps('statuses', statuses, answered),
    answers: Object.entries(SUPPORT).flatMap(([name, { command }]) => {
      const checked = new Set(command?.checks.map(({ status }) => status));
      const left = [...checked].filter((status) => !answers.get(name)?.has(status));
      return left.length === 0
        ? []
        : [{ what: `${name}: ${left.join(', ')}`, why: reasonFor('answers', name) }];
    }),
    errno: gaps('errno', Object.keys(Errno), errno),
    transitions: gaps('transitions', TRANSITIONS, transitions),
    messages: gaps('messages', Object.keys(SEV_MESSAGES), messagesIn(cases)),
  };
}

type Kind = keyof typeof reasons;

const reasonFor = (kind: Kind, what: string): string | undefined =>
  new Map(Object.entries<string>(reasons[kind])).get(what);

const gaps = (kind: Kind, all: readonly string[], done: ReadonlySet<string>): Gap[] =>
  all.filter((what) => !done.has(what)).map((what) => ({ what, why: reasonFor(kind, what) }));

/** What the AMD-SP answered to each command, and what became of its states. */
interface Watched {
  readonly answers: Map<string, Set<SevStatus>>;
  readonly transitions: Set<string>;
}

function watch(cases: readonly Case[]): Watched {
  const watched: Watched = { answers: new Map(), transitions: new Set() };
  const watching: Serve = (sp, observer) => {
    const service = serve(sp, observer);
    return (id, buffer) => {
      const before = statesOf(sp);
      const answer = service(id, buffer);
      note(
        watched,
        commandById(id)?.name ?? 'no command',
        statusFromCode(answer.status),
        before,
        statesOf(sp),
      );
      return answer;
    };
  };
  const target = simTarget(watching);
  for (const testCase of cases) if (testCase.room === 'psp') runCase(testCase, target);
  return watched;
}

interface States {
  readonly platform: PlatformState;
  readonly guests: ReadonlyMap<number, GuestState>;
}

const statesOf = ({ state }: SecureProcessor): States => ({
  platform: state.platform,
  guests: new Map([...state.guests].map(([handle, guest]) => [handle, guest.state])),
});

function note(
  { answers, transitions }: Watched,
  command: string,
  status: SevStatus | undefined,
  before: States,
  after: States,
): void {
  if (status !== undefined) answers.set(command, (answers.get(command) ?? new Set()).add(status));
  if (before.platform !== after.platform)
    transitions.add(`platform: ${before.platform}, ${command}, ${after.platform}`);
  for (const handle of new Set([...before.guests.keys(), ...after.guests.keys()])) {
    const [from, to] = [before.guests.get(handle) ?? 'UNINIT', after.guests.get(handle) ?? 'UNINIT'];
    if (from !== to) transitions.add(`guest: ${from}, ${command}, ${to}`);
  }
}

/** The messages of QEMU about SEV that cases expect. */
function messagesIn(cases: readonly Case[]): Set<string> {
  const texts = cases.flatMap((each) => (each.room === 'vmm' ? textsIn(each.then) : []));
  const expected = Object.entries(SEV_MESSAGES).filter(([, form]) =>
    texts.some((text) => readForm(form, text) !== undefined),
  );
  return new Set(expected.map(([name]) => name));
}

const textsIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values(Object(value)).flatMap(textsIn);

/** Every errno that an expectation names. */
function errnoIn(value: unknown): string[] {
  if (typeof value === 'string') return value in Errno ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(errnoIn) : [];
}
