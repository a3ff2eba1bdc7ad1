import { parseCommandLine } from '../src/qemu/command-line.ts';
import type { HostPorts } from '../src/qemu/host-ports.ts';
import { QEMU_RELEASES, readOptions } from '../src/qemu/machine-options.ts';
import { QemuMachine } from '../src/qemu/qemu-machine.ts';
import { ScriptedCalls } from './scripted-calls.ts';

const PORTS: HostPorts = {
  now: () => 0n,
  readGuest: (_, length) => new Uint8Array(length),
  writeGuest: () => {},
  readFile: () => 'No such file or directory',
  writeFile: () => undefined,
  remark: () => {},
  run: () => {},
  reset: () => {},
};

/** A paused machine without SEV, whose memory is zeros. */
export function silentMachine(...arguments_: readonly string[]): QemuMachine {
  const line = parseCommandLine(['-machine', 'q35', '-accel', 'tcg', '-S', ...arguments_]);
  const options = readOptions(line, { release: QEMU_RELEASES['7.2'], package: 'sevlab' }, PORTS);
  const calls = new ScriptedCalls([], {
    available: false,
    memory: { read: (_, length) => new Uint8Array(length), write: () => {} },
    certificates: { pdh: new Uint8Array(), certChain: new Uint8Array(), id: new Uint8Array() },
    vcpus: 1,
  });
  return new QemuMachine(options, calls, PORTS);
}
