import type { Gpa } from '@sevlab/codec/address';
import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import type { HostPorts } from '@sevlab/vmm-sim/qemu/host-ports';
import { QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { QemuExit } from '@sevlab/vmm-sim/qemu/sev-launch';
import { type MonitorSession, openSession, receive } from '@sevlab/vmm-sim/qmp/monitor';
import type { VmmCase, VmmGiven, VmmThen } from '../case.ts';
import { converse, type StartedVmm } from '../vmm-answer.ts';
import { vmmStart } from '../vmm-start.ts';
import { StandInHost } from './stand-in-host.ts';

/** The emulated QEMU over a kernel that answers as the case says. */
export const answerVmm = (testCase: VmmCase): VmmThen => converse(testCase, startSimVmm(testCase.given));

/** Starts it. Nothing runs in its guest. */
export function startSimVmm(given: VmmGiven): StartedVmm {
  const memory = createMemory();
  const { arguments: words, files } = vmmStart(given);
  const host = new StandInHost(given.host ?? [], { available: given.sev !== 'none', read: memory.read });
  const ports: HostPorts = {
    now: () => 0n,
    readGuest: memory.read,
    writeGuest: memory.write,
    readFile: (path) => files.get(path) ?? 'No such file or directory',
    writeFile: () => 'No such file or directory',
    remark: () => {},
    exchange: () => {},
    run: () => {},
    reset: () => {},
  };
  const release = QEMU_RELEASES[given.qemu ?? '7.2'];
  const options = readOptions(parseCommandLine(words), { release, package: '' }, ports);
  const { firmware } = options;
  if (firmware) memory.write((FOUR_GIB - BigInt(firmware.length)) as Gpa, firmware);
  let machine: QemuMachine;
  try {
    machine = new QemuMachine(options, host, ports);
  } catch (error) {
    if (!(error instanceof QemuExit)) throw error;
    const ended = { status: error.status, stderr: error.lines };
    return { greeting: undefined, send: () => [], look: () => ({ calls: host.calls, ended }) };
  }
  const { session, greeting } = openSession(machine);
  return {
    greeting: linesOf(greeting)[0],
    send: (bytes) => sendTo(machine, session, bytes),
    look: () => ({ calls: host.calls, ended: endOf(machine) }),
  };
}

const FOUR_GIB = 0x1_0000_0000n;

const sendTo = (machine: QemuMachine, session: MonitorSession, bytes: Uint8Array): string[] =>
  machine.state.exit === undefined ? linesOf(receive(machine, session, bytes)) : [];

const endOf = ({ state, stderr }: QemuMachine): VmmThen['ended'] =>
  state.exit === undefined
    ? null
    : { status: state.exit.status, stderr: [...stderr, ...state.exit.lines] };

const linesOf = (text: string): string[] => text.split('\r\n').filter((line) => line !== '');

/** Memory of a guest that starts as zeros, byte by byte. */
function createMemory() {
  const cells = new Map<bigint, number>();
  return {
    read: (address: Gpa, length: number): Uint8Array =>
      Uint8Array.from({ length }, (_, i) => cells.get(address + BigInt(i)) ?? 0),
    write: (address: Gpa, bytes: Uint8Array): void => {
      for (const [i, byte] of bytes.entries()) cells.set(address + BigInt(i), byte);
    },
  };
}
