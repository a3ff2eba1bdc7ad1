import type { SevCalls } from '../src/kvm/sev-calls.ts';
import { parseCommandLine } from '../src/qemu/command-line.ts';
import type { HostPorts } from '../src/qemu/host-ports.ts';
import { QEMU_RELEASES, readOptions } from '../src/qemu/machine-options.ts';
import { QemuMachine } from '../src/qemu/qemu-machine.ts';
import { ScriptedCalls } from './scripted-calls.ts';

/** A host of which nothing is heard, and whose guest has zeros in memory. */
export const SILENT_PORTS: HostPorts = {
  now: () => 0n,
  readGuest: (_, length) => new Uint8Array(length),
  writeGuest: () => {},
  readFile: () => 'No such file or directory',
  emptyFile: () => undefined,
  appendFile: () => undefined,
  remark: () => {},
  exchange: () => {},
  run: () => {},
  reset: () => {},
};

const NO_CALLS = new ScriptedCalls([], {
  available: false,
  memory: { read: (_, length) => new Uint8Array(length), write: () => {} },
  certificates: { pdh: new Uint8Array(), certChain: new Uint8Array(), id: new Uint8Array() },
  vcpus: 1,
});

/** A paused machine whose memory is zeros; without SEV, unless `calls` knows it and the arguments ask for it. */
export function silentMachine(
  arguments_: readonly string[] = ['-accel', 'tcg'],
  calls: SevCalls = NO_CALLS,
  ports: Partial<HostPorts> = {},
): QemuMachine {
  const line = parseCommandLine(['-machine', 'q35', '-S', ...arguments_]);
  const options = readOptions(line, { release: QEMU_RELEASES['7.2'], package: 'sevlab' }, SILENT_PORTS);
  return new QemuMachine(options, calls, { ...SILENT_PORTS, ...ports });
}
