import { concat } from '@sevlab/codec/bytes';
import type { QemuMachine } from '../qemu/qemu-machine.ts';
import type { JsonValue } from './json-value.ts';
import { createReader, type ReaderState, readMessages } from './message-reader.ts';
import { closeSession, type MonitorSession, openSession, receive } from './monitor.ts';

/** Whose a client's message is: the emulated machine's, the real QEMU's, or first of the one and then of the other. */
type Addressee = 'ours' | 'real' | 'both';

/** A message that has come and was not passed on yet. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly message: JsonValue | undefined;
}

/** One client's conversation with two machines at once; plain data but for the bytes of messages. */
export interface Relay {
  readonly reader: ReaderState;
  /** What has come of a message that is not whole. */
  readonly begun: Uint8Array[];
  readonly waiting: Waiting[];
  /** Messages that the real QEMU has not answered: whether each is the negotiation. */
  readonly unanswered: boolean[];
  /** What has come of a line of the real QEMU's. */
  readonly line: Uint8Array[];
  /** Whether the real QEMU takes commands from this client. */
  negotiated: boolean;
  readonly ours: MonitorSession;
}

/** What is to be sent, to each side. */
export interface ToSend {
  readonly real: Uint8Array;
  readonly client: Uint8Array;
}

/** How many messages wait before a client is not read from any more, as in QEMU (monitor/qmp.c: QMP_REQ_QUEUE_LEN_MAX). */
const WAITING_MAX = 8;

/** A client has connected to both. */
export function openRelay(machine: QemuMachine): Relay {
  const { session } = openSession(machine);
  session.negotiated = true; // the real QEMU sees to that
  return {
    ...{ reader: createReader(), begun: [], waiting: [], unanswered: [], line: [] },
    ...{ negotiated: false, ours: session },
  };
}

/** The client is gone. */
export const closeRelay = (machine: QemuMachine, { ours }: Relay): void => closeSession(machine, ours);

/** Whether the client should not be read from for now. */
export const isBusy = ({ waiting, unanswered }: Relay): boolean =>
  waiting.length + unanswered.length >= WAITING_MAX;

/** What a client's bytes, in any pieces, come to. */
export function fromClient(machine: QemuMachine, relay: Relay, input: Uint8Array): ToSend {
  let start = 0;
  for (const received of readMessages(relay.reader, input)) {
    // a number or a word ends before the byte behind it, which may be kept here; behind something stray, a line's end means more
    const separator = relay.reader.lexer.state === 'start' ? NEW_LINE : NOTHING;
    relay.waiting.push({
      bytes: concat(...relay.begun.splice(0), input.subarray(start, received.end), separator),
      message: 'message' in received ? received.message : undefined,
    });
    start = received.end;
  }
  if (start < input.length) relay.begun.push(input.slice(start));
  return passOn(machine, relay);
}

/** What the real QEMU's bytes, in any pieces, come to. */
export function fromReal(machine: QemuMachine, relay: Relay, input: Uint8Array): ToSend {
  const client: Uint8Array[] = [];
  const real: Uint8Array[] = [];
  let start = 0;
  for (let end = input.indexOf(LINE_FEED); end !== -1; end = input.indexOf(LINE_FEED, start)) {
    const line = concat(...relay.line.splice(0), input.subarray(start, end + 1));
    start = end + 1;
    client.push(line);
    const { isAnswer, isError } = kindOf(line);
    if (!isAnswer) continue;
    if (relay.unanswered.shift() && !isError) relay.negotiated = true;
    const next = passOn(machine, relay);
    client.push(next.client);
    real.push(next.real);
  }
  if (start < input.length) relay.line.push(input.slice(start));
  return { real: concat(...real), client: concat(...client) };
}

const NOTHING = new Uint8Array();
const LINE_FEED = 0x0a;
const NEW_LINE = Uint8Array.of(LINE_FEED);

/** In the order in which they came: ours are answered when the real QEMU has answered those before. */
function passOn(machine: QemuMachine, relay: Relay): ToSend {
  const real: Uint8Array[] = [];
  const client: Uint8Array[] = [];
  for (let next = relay.waiting[0]; next !== undefined; next = relay.waiting[0]) {
    const { bytes, message } = next;
    const addressee = addresseeOf(machine, message);
    if (addressee !== 'real' && relay.unanswered.length > 0) break;
    relay.waiting.shift();
    const ours = addressee !== 'real' && relay.negotiated; // before that, the real QEMU refuses it
    if (ours) {
      const answer = Uint8Array.from(receive(machine, relay.ours, bytes), (letter) => letter.charCodeAt(0));
      if (addressee === 'ours' || machine.state.exit !== undefined) client.push(answer);
      if (machine.state.exit !== undefined) break;
    }
    if (ours && addressee === 'ours') continue;
    relay.unanswered.push(requestOf(message)?.name === 'qmp_capabilities');
    real.push(bytes);
  }
  return { real: concat(...real), client: concat(...client) };
}

/**
 * What a line of QEMU's is, by its first member: its dictionaries have one order, and what they hold need not be JSON,
 * since the id of an answer is whatever was read as one.
 */
function kindOf(line: Uint8Array): { readonly isAnswer: boolean; readonly isError: boolean } {
  const first = new TextDecoder('latin1').decode(line.subarray(0, 16));
  const isAnswer = !/^\{"(QMP|timestamp)"/.test(first);
  return { isAnswer, isError: isAnswer && !first.startsWith('{"return"') };
}

interface Request {
  readonly name: string;
  readonly argument: (name: string) => JsonValue | undefined;
}

function requestOf(message: JsonValue | undefined): Request | undefined {
  if (!(message instanceof Map)) return undefined;
  const name: unknown = message.get('execute');
  const given: unknown = message.get('arguments');
  if (typeof name !== 'string') return undefined;
  return { name, argument: (key) => (given instanceof Map ? given.get(key) : undefined) };
}

/** What a guest is that only the emulated machine knows. */
const SEV_COMMANDS: ReadonlySet<string> = new Set([
  'query-sev',
  'query-sev-capabilities',
  'query-sev-launch-measure',
  'query-sev-attestation-report',
  'sev-inject-launch-secret',
]);

/** What changes the state of the launch; the real QEMU's answer is the one that counts. */
const STATE_COMMANDS: ReadonlySet<string> = new Set(['cont', 'system_reset']);

/**
 * The guest's memory as a host finds it. DEVIATION: once a real processor runs the guest, `memsave` and `x` show plaintext,
 * since the emulated one has not its page tables.
 */
const MEMORY_COMMANDS: ReadonlySet<string> = new Set(['pmemsave']);

const OBJECT_COMMANDS: ReadonlySet<string> = new Set(['qom-get', 'qom-set', 'qom-list']);
const GUEST_PROPERTIES: ReadonlySet<unknown> = new Set(['confidential-guest-support', 'memory-encryption']);

function addresseeOf(machine: QemuMachine, message: JsonValue | undefined): Addressee {
  const request = requestOf(message);
  if (request === undefined) return 'real';
  const { name, argument } = request;
  if (SEV_COMMANDS.has(name)) return 'ours';
  const { sevGuest } = machine;
  if (sevGuest === undefined) return 'real';
  if (STATE_COMMANDS.has(name)) return 'both';
  if (MEMORY_COMMANDS.has(name)) return 'ours';
  if (name === 'migrate') return sevGuest.state === 'running' ? 'ours' : 'real';
  if (name === 'human-monitor-command')
    return /^\s*(info\s+sev|xp)\b/.test(String(argument('command-line'))) ? 'ours' : 'real';
  if (!OBJECT_COMMANDS.has(name)) return 'real';
  const path = argument('path');
  const isGuest = path === `/objects/${sevGuest.object.id}`;
  return isGuest || (path === '/machine' && GUEST_PROPERTIES.has(argument('property'))) ? 'ours' : 'real';
}
