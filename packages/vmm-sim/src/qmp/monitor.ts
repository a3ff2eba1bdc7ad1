import { fillForm } from '@sevlab/codec/message-form';
import type { MachineEvent, QemuMachine } from '../qemu/qemu-machine.ts';
import { QMP_COMMANDS, versionReply } from './commands.ts';
import type { JsonObject, JsonValue, Reply } from './json-value.ts';
import { inDictionaryOrder, writeJson } from './json-writer.ts';
import { createReader, type ReaderState, readMessages } from './message-reader.ts';
import { optional, takeArguments, wordsOf } from './parameters.ts';
import { QEMU_COMMAND_NAMES } from './qemu-command-names.ts';
import { QmpError } from './qmp-error.ts';
import { QMP_MESSAGES } from './qmp-messages.ts';

/** One client's conversation; plain data. */
export interface MonitorSession {
  readonly reader: ReaderState;
  negotiated: boolean;
  /** Whether it asked for commands out of band. */
  outOfBand: boolean;
  /** What has happened and it was not told yet. */
  readonly events: MachineEvent[];
}

const CAPABILITIES: readonly string[] = ['oob'];
const LINE_END = '\r\n';

/** A client has connected. Returns its conversation, which closeSession() ends, and what it is greeted with. */
export function openSession(machine: QemuMachine): {
  readonly session: MonitorSession;
  readonly greeting: string;
} {
  const events: MachineEvent[] = [];
  machine.audience.add(events);
  return {
    session: { reader: createReader(), negotiated: false, outOfBand: false, events },
    greeting: told(machine, { QMP: { version: versionReply(machine), capabilities: CAPABILITIES } }),
  };
}

/** The client is gone. */
export function closeSession({ audience }: QemuMachine, { events }: MonitorSession): void {
  audience.delete(events);
}

/**
 * What QEMU sends for a client's bytes, in any pieces (7.2, monitor/qmp.c). Events that a command causes stand in front
 * of its answer. When the machine has ended, nothing more is read.
 */
export function receive(machine: QemuMachine, session: MonitorSession, input: Uint8Array): string {
  let sent = '';
  for (const received of readMessages(session.reader, input)) {
    machine.ports.exchange('client', () =>
      'error' in received ? received.error : writeJson(received.message),
    );
    if (!session.negotiated) session.events.length = 0; // it is not told of what happened so far
    const answer =
      'error' in received
        ? { error: { class: 'GenericError', desc: received.error } }
        : answerTo(machine, session, received.message);
    sent += takeEvents(machine, session);
    const { exit } = machine.state;
    if (exit === undefined || exit.status === 0) sent += told(machine, answer);
    if (exit !== undefined) break;
  }
  return sent;
}

/** What has happened since, for a client that has negotiated. */
export function takeEvents(machine: QemuMachine, { events, negotiated }: MonitorSession): string {
  const happened = events.splice(0);
  return negotiated ? happened.map((event) => told(machine, eventReply(event))).join('') : '';
}

const MILLION = 1_000_000n;

const eventReply = ({ name, data, time }: MachineEvent): Reply => ({
  event: name,
  ...(data && { data }),
  timestamp: { seconds: time / MILLION, microseconds: time % MILLION },
});

/** A line of the VMM's. */
function told({ ports }: QemuMachine, reply: Reply): string {
  const line = writeJson(reply);
  ports.exchange('vmm', () => line);
  return line + LINE_END;
}

function answerTo(machine: QemuMachine, session: MonitorSession, message: JsonValue): Reply {
  if (!(message instanceof Map)) return failure(new QmpError(QMP_MESSAGES['no object']));
  const given: JsonObject = message;
  const id = given.get('id');
  const shown = id === undefined ? {} : { id };
  try {
    return { return: dispatch(machine, session, given), ...shown };
  } catch (error) {
    if (error instanceof QmpError) return { ...failure(error), ...shown };
    throw error;
  }
}

const failure = (error: QmpError): { readonly error: Reply } => ({
  error: { class: error.class, desc: error.message },
});

/** qmp_dispatch(). Throws QmpError. */
function dispatch(machine: QemuMachine, session: MonitorSession, given: JsonObject): Reply {
  const { execute, name, args } = takeRequest(given, session.outOfBand);
  const found = QMP_COMMANDS.get(name);
  if (!session.negotiated && name !== 'qmp_capabilities')
    throw new QmpError(QMP_MESSAGES['not negotiated'], 'CommandNotFound');
  if (found === undefined && name !== 'qmp_capabilities') {
    if (QEMU_COMMAND_NAMES.has(name)) machine.ports.remark({ kind: 'command elsewhere', name });
    throw new QmpError(fillForm(QMP_MESSAGES['no command'], { name }), 'CommandNotFound');
  }
  if (execute === 'exec-oob') throw new QmpError(fillForm(QMP_MESSAGES['not out of band'], { name }));
  if (found === undefined) return negotiate(session, args);
  if (!found.preconfig && !machine.state.initialized)
    throw new QmpError(fillForm(QMP_MESSAGES['too early'], { name }));
  return found.run(machine, args);
}

const isObject = (value: JsonValue): value is JsonObject => value instanceof Map;

interface Request {
  readonly execute: string;
  readonly name: string;
  readonly args: JsonObject;
}

/** qmp_dispatch_check_obj(): members are looked at in the order that QEMU's dictionary has. Throws QmpError. */
function takeRequest(given: JsonObject, outOfBand: boolean): Request {
  let request: Omit<Request, 'args'> | undefined;
  let args: JsonObject = new Map();
  for (const [member, value] of inDictionaryOrder([...given])) {
    if (member === 'execute' || (member === 'exec-oob' && outOfBand)) {
      if (typeof value !== 'string')
        throw new QmpError(fillForm(QMP_MESSAGES['member no string'], { member }));
      if (request !== undefined)
        throw new QmpError(fillForm(QMP_MESSAGES['two commands'], { member, other: request.execute }));
      request = { execute: member, name: value };
    } else if (member === 'arguments') {
      if (!isObject(value)) throw new QmpError(QMP_MESSAGES['arguments no object']);
      args = value;
    } else if (member !== 'id') throw new QmpError(fillForm(QMP_MESSAGES['strange member'], { member }));
  }
  if (request === undefined) throw new QmpError(QMP_MESSAGES['no execute']);
  return { ...request, args };
}

/** `qmp_capabilities`. Throws QmpError. */
function negotiate(session: MonitorSession, args: JsonObject): Reply {
  const { enable = [] } = takeArguments({ enable: optional(wordsOf(CAPABILITIES)) }, args);
  if (session.negotiated) throw new QmpError(QMP_MESSAGES['negotiated already'], 'CommandNotFound');
  session.negotiated = true;
  session.outOfBand = enable.includes('oob');
  return {};
}
