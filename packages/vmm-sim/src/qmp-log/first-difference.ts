import { readForm } from '@sevlab/codec/message-form';
import type { HostPorts } from '../qemu/host-ports.ts';
import { QemuMachine } from '../qemu/qemu-machine.ts';
import { SEV_MESSAGES } from '../qemu/sev-messages.ts';
import { closeSession, type MonitorSession, openSession, receive, takeEvents } from '../qmp/monitor.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { LearntCalls, type PacketJudge } from './learnt-calls.ts';
import { exchangesOf, isObject, learnLaunch } from './learnt-launch.ts';
import { type KnownMachine, machineOf } from './learnt-machine.ts';
import { type LoggedMessage, membersOf } from './read-log.ts';

/** A step of a log, and what the emulated QEMU does in its place. */
export interface Difference {
  /** The client's messages count from 1; 0 is before the first. */
  readonly step: number;
  /** Of the client's message. */
  readonly line: number;
  readonly sent: string;
  /** Undefined: nothing. */
  readonly emulated: string | undefined;
  readonly recorded: string | undefined;
}

/** What became of a log. */
export interface LogVerdict {
  readonly difference: Difference | undefined;
  readonly steps: number;
  /** Steps that depend on what nobody told, by command. */
  readonly notCompared: readonly string[];
}

/** What somebody knows who has more than the log. */
export interface Knowledge extends KnownMachine {
  readonly fits?: PacketJudge;
  /** Files that the arguments name; default: none is there. */
  readonly readFile?: HostPorts['readFile'];
}

/** What is compared when QEMU's arguments are not known: what does not come from them. */
const WITHOUT_ARGUMENTS: ReadonlySet<string> = new Set([
  ...['qmp_capabilities', 'query-version', 'query-status', 'cont', 'stop', 'quit', 'system_reset'],
  ...[
    'system_powerdown',
    'x-exit-preconfig',
    'query-sev',
    'query-sev-capabilities',
    'query-sev-launch-measure',
  ],
  ...['sev-inject-launch-secret', 'query-sev-attestation-report', 'query-target', 'migrate'],
]);

/** Events that the emulated QEMU has; those that a guest causes come when they come. */
const EVENTS: ReadonlySet<string> = new Set(['RESUME', 'STOP', 'RESET', 'SHUTDOWN', 'POWERDOWN']);

/** What differs by nature in answers, as JSON text, and what it becomes on both sides. */
const DIFFERS: readonly (readonly [why: string, pattern: RegExp, becomes: string])[] = [
  ['threads of a process', /("thread-id":|thread_id=)\d{3,}/g, '$1N'],
  ['host virtual addresses', /is 0x[0-9a-f]{10,}/g, 'is HVA'],
  ['what is in memory', /"return":"[0-9a-f]{16}: 0x.*/g, 'MEMORY'],
  ['a migration that nobody carries out', /.*"status":"completed".*/g, 'MIGRATED'],
  ['the firmware version, for people', /build: \d+\\r\\napi version: [\d.]+/g, 'VERSION'],
  ['which commands there are', /"return":\[\{"name":"(device_add|query-sgx).*/g, 'COMMANDS'],
  ['which commands there are for people', /"return":"info (balloon|chardev) .*/g, 'COMMANDS'],
];

/**
 * Replays the client's part of a log on the emulated QEMU, and finds the first step at which it answers, or tells an
 * event, as the log has it not. Keys, measurements, certificates and versions are taken from the log; so is what the
 * host's AMD-SP answered to a packet, unless it follows from the packet. Throws UsageError and QemuExit for arguments
 * with which QEMU does not start.
 */
export function firstDifference(messages: readonly LoggedMessage[], known: Knowledge = {}): LogVerdict {
  return new Replay(messages, known).run();
}

/** What the emulated QEMU said to a step. */
interface Said {
  readonly step: Step;
  readonly text: string;
}

interface Step {
  readonly step: number;
  readonly message: LoggedMessage;
  readonly command: string;
}

class Replay {
  readonly #messages: readonly LoggedMessage[];
  readonly #known: Knowledge;
  readonly #machine: QemuMachine;
  #session: MonitorSession;
  /** Answers of the log, and how many of them were foreseen. */
  readonly #answers: readonly string[];
  #foreseen = 0;
  #steps = 0;
  #step: Step | undefined;
  /** What the emulated QEMU has said and the log has not yet. */
  #said: Said[] = [];
  #events: Said[] = [];
  readonly #notCompared = new Set<string>();
  readonly #elsewhere = new Set<string>();
  #found: Difference[] = [];

  constructor(messages: readonly LoggedMessage[], known: Knowledge) {
    this.#messages = messages;
    this.#known = known;
    const fromVmm = messages.filter(({ from }) => from === 'vmm').map(({ text }) => text);
    this.#answers = fromVmm.filter(isReply);
    const exchanges = exchangesOf(messages);
    const launch = learnLaunch(exchanges);
    const readFile = known.readFile ?? (() => 'No such file or directory');
    const greeting = membersOf(fromVmm[0] ?? '')?.QMP;
    const options = machineOf(
      known,
      { greeting, exchanges, launch, startsPaused: startsPaused(messages) },
      readFile,
    );
    const calls = new LearntCalls(launch, () => this.#upcoming(), known.fits);
    this.#machine = new QemuMachine(options, calls, this.#ports(readFile));
    this.#session = openSession(this.#machine).session;
    const asksFirst = exchanges[0]?.command !== 'qmp_capabilities';
    if (greeting === undefined && asksFirst) this.#session.negotiated = true; // the log begins in the middle
  }

  #ports(readFile: HostPorts['readFile']): HostPorts {
    return {
      now: () => 0n,
      readGuest: (_, length) => new Uint8Array(length),
      writeGuest: () => {},
      readFile,
      emptyFile: () => this.#whyNotOpened(),
      appendFile: () => undefined,
      remark: (remark) => {
        if (remark.kind === 'command elsewhere') this.#elsewhere.add(remark.name);
      },
      exchange: () => {},
      run: () => {},
      reset: () => {},
    };
  }

  /** The error that the log has next, if it is one. */
  #upcoming(): string | undefined {
    return descOf(this.#answers[this.#foreseen]);
  }

  /** Why the host could not open a file, as the log has it next, on either monitor. */
  #whyNotOpened(): string | undefined {
    const said = readForm(QMP_MESSAGES['not opened'], this.#answers[this.#foreseen] ?? '');
    return said?.why?.replace(/(\\r\\n)?"\}.*/s, '');
  }

  run(): LogVerdict {
    for (const message of this.#messages) {
      if (message.from === 'client') this.#feed(message);
      else this.#compare(message.text);
    }
    const unanswered = new Set(this.#said.map(({ step }) => step.step)); // there the log ends
    for (const { step, text } of this.#events)
      if (!unanswered.has(step.step)) this.#differ(step, { emulated: text, recorded: undefined });
    const [difference] = this.#found.sort((a, b) => a.step - b.step);
    return { difference, steps: this.#steps, notCompared: [...this.#notCompared] };
  }

  #feed(message: LoggedMessage): void {
    const { execute } = membersOf(message.text) ?? {};
    this.#step = { step: ++this.#steps, message, command: typeof execute === 'string' ? execute : '' };
    if (this.#machine.state.exit !== undefined) return;
    this.#hear(receive(this.#machine, this.#session, bytesOf(`${message.text}\n`)), this.#step);
  }

  #hear(lines: string, step: Step): void {
    for (const text of lines.split('\r\n').filter((line) => line !== '')) {
      const isEvent = 'event' in (membersOf(text) ?? {});
      (isEvent ? this.#events : this.#said).push({ step, text });
      if (!isEvent) this.#foreseen++;
    }
  }

  #compare(text: string): void {
    const members = membersOf(text) ?? {};
    if ('QMP' in members) this.#greet();
    else if ('event' in members) this.#compareEvent(text, members);
    else this.#compareAnswer(text);
  }

  /** Another connection begins: what was said on the one before is over. */
  #greet(): void {
    if (this.#steps === 0) return;
    closeSession(this.#machine, this.#session);
    this.#session = openSession(this.#machine).session;
    this.#foreseen -= this.#said.length;
    this.#said = [];
    this.#events = [];
  }

  #compareEvent(text: string, { event, data }: Readonly<Record<string, unknown>>): void {
    const name = String(event);
    if (!EVENTS.has(name) || (isObject(data) && data.guest === true)) return;
    const at = this.#events.findIndex((said) => membersOf(said.text)?.event === name);
    if (at !== -1) this.#events.splice(at, 1);
    else if (name === 'STOP' && this.#machine.state.runState === 'running') this.#crash();
    else this.#differ(this.#step, { emulated: undefined, recorded: text });
  }

  /** Nobody stopped the guest: it could not go on. */
  #crash(): void {
    this.#machine.crash();
    takeEvents(this.#machine, this.#session);
  }

  #compareAnswer(recorded: string): void {
    const said = this.#said.shift();
    if (said === undefined) {
      this.#differ(this.#step, { emulated: undefined, recorded });
      return;
    }
    if (alike(said.text) === alike(recorded)) return;
    if (this.#isBeyond(said, recorded)) this.#notCompared.add(said.step.command);
    else this.#differ(said.step, { emulated: said.text, recorded });
  }

  /** Whether an answer depends on what nobody told: on arguments, or on a part of QEMU that is not emulated. */
  #isBeyond({ step: { command }, text }: Said, recorded: string): boolean {
    if (this.#elsewhere.has(command)) return true;
    if (this.#known.arguments !== undefined) return false;
    const isOfMemory = [text, recorded].some(
      (each) => readForm(SEV_MESSAGES['no address'], descOf(each) ?? '') !== undefined,
    );
    return isOfMemory || (command !== '' && !WITHOUT_ARGUMENTS.has(command));
  }

  #differ(step: Step | undefined, { emulated, recorded }: Pick<Difference, 'emulated' | 'recorded'>): void {
    const { line, text: sent } = step?.message ?? { line: 0, text: '' };
    this.#found.push({ step: step?.step ?? 0, line, sent, emulated, recorded });
  }
}

/** Whether nobody had told the guest to run when the log first shows whether it does. */
function startsPaused(messages: readonly LoggedMessage[]): boolean {
  const isPreconfig = messages.some(({ text }) => membersOf(text)?.execute === 'x-exit-preconfig');
  const pending: unknown[] = [];
  let isTold = false;
  for (const { from, text } of messages) {
    const members = membersOf(text) ?? {};
    const { execute, event, return: returned } = members;
    if (from === 'client') pending.push(execute);
    else if (event === 'RESUME') return isTold || pending.some(isStarter);
    else if (isAnswer(members)) {
      const runs = runsNow(returned);
      if (runs === true || (runs === false && !isPreconfig)) return isTold || !runs; // -preconfig stands still first
      isTold ||= isStarter(pending.shift()) && 'return' in members;
    }
  }
  return true;
}

/** What query-status and query-sev say of it. */
function runsNow(returned: unknown): boolean | undefined {
  if (!isObject(returned)) return undefined;
  if (typeof returned.running === 'boolean') return returned.running;
  return returned.enabled === true && typeof returned.state === 'string'
    ? returned.state === 'running'
    : undefined;
}

const isStarter = (command: unknown): boolean => command === 'cont' || command === 'human-monitor-command';

/** A letter of a log is a byte. */
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Whether a line of QEMU's answers something, be it no JSON. */
function isReply(text: string): boolean {
  const members = membersOf(text);
  return members === undefined || !('event' in members || 'QMP' in members);
}

const isAnswer = (members: Readonly<Record<string, unknown>> | undefined): boolean =>
  members !== undefined && ('return' in members || 'error' in members);

function descOf(text: string | undefined): string | undefined {
  const { error } = membersOf(text ?? '') ?? {};
  return isObject(error) && typeof error.desc === 'string' ? error.desc : undefined;
}

/** A message with its members sorted, and without what differs by nature. */
const alike = (text: string): string =>
  DIFFERS.reduce(
    (rest, [, pattern, becomes]) => rest.replace(pattern, becomes),
    JSON.stringify(sorted(membersOf(text) ?? text)),
  );

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
