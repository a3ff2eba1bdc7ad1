import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import type { HostPorts } from '@sevlab/vmm-sim/qemu/host-ports';
import { QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { openSession, receive } from '@sevlab/vmm-sim/qmp/monitor';
import { OBLIGING_CALLS } from '@sevlab/vmm-sim/test/obliging-calls';
import { SILENT_PORTS } from '@sevlab/vmm-sim/test/silent-machine';
import fc from 'fast-check';
import { arbitraryDoor, type Door, holds } from '../door.ts';
import { message } from '../qmp-messages.ts';

/** As much memory as the messages of a case asked for; nobody writes to it. */
let zeros = new Uint8Array();

function zerosOf(length: number): Uint8Array {
  if (length > zeros.length) zeros = new Uint8Array(length);
  return zeros.subarray(0, length);
}

const PORTS: HostPorts = { ...SILENT_PORTS, readGuest: (_, length) => zerosOf(length) };

const ARGUMENTS = {
  plain: ['-accel', 'tcg'],
  sev: ['-accel', 'kvm', '-object', 'sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=1', '-preconfig'],
} as const;

interface Input {
  readonly machine: keyof typeof ARGUMENTS;
  /** A letter is a byte. */
  readonly messages: readonly string[];
  /** How many bytes come at a time. */
  readonly piece: number;
}

function start(machine: Input['machine']): QemuMachine {
  const line = parseCommandLine(['-machine', 'q35', '-S', ...ARGUMENTS[machine]]);
  const options = readOptions(line, { release: QEMU_RELEASES['7.2'], package: 'sevlab' }, PORTS);
  return new QemuMachine(
    options,
    machine === 'sev' ? OBLIGING_CALLS : { ...OBLIGING_CALLS, available: false },
    PORTS,
  );
}

/** What comes back when a client sends the bytes, so many at a time. */
function converse(machine: QemuMachine, bytes: Uint8Array, piece: number): string {
  const { session, greeting } = openSession(machine);
  let said = greeting + receive(machine, session, Buffer.from('{"execute":"qmp_capabilities"}'));
  for (let at = 0; at < bytes.length && machine.state.exit === undefined; at += piece)
    said += receive(machine, session, bytes.subarray(at, at + piece));
  return said;
}

/** The socket of QMP. */
export const qmpDoor: Door = arbitraryDoor<Input>({
  name: 'qmp',
  about: 'QMP: every answer is a line of JSON, and the same in whatever pieces the bytes come',
  ...{ share: 10, chunk: 500, cost: 3500 },
  inputs: () =>
    fc.record({
      machine: fc.constantFrom('plain', 'sev'),
      messages: fc.array(message, { minLength: 1, maxLength: 6 }),
      piece: fc.integer({ min: 1, max: 40 }),
    }),
  start:
    () =>
    ({ machine, messages, piece }) => {
      const bytes = Buffer.from(messages.join('\n'), 'latin1');
      const said = converse(start(machine), bytes, bytes.length + 1);
      const lines = said.split('\r\n');
      holds(lines.pop() === '', 'an answer ends with its line');
      for (const line of lines) holds(isObject(line), 'an answer is an object as JSON', () => line);
      const pieces = converse(start(machine), bytes, piece);
      zeros = new Uint8Array();
      holds(pieces === said, 'the answers are the same in whatever pieces the bytes come');
      return `${lines.length} answers`;
    },
});

/** What QEMU writes for numbers beyond those of C's double, whose like is not in JSON. */
const NO_JSON = /-?\b(inf|nan)\b/g;

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line.replaceAll(NO_JSON, '0')) === 'object';
  } catch {
    return false; // what it is instead is in the message
  }
}
