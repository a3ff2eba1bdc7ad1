import { type Gpa, gpa } from '@sevlab/codec/address';
import { fromHex } from '@sevlab/codec/bytes';
import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import type { HostPorts } from '@sevlab/vmm-sim/qemu/host-ports';
import { QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { QemuExit } from '@sevlab/vmm-sim/qemu/sev-launch';
import { type MonitorSession, openSession, receive } from '@sevlab/vmm-sim/qmp/monitor';
import type { StartVmmRequest, VmmRequest } from '../exec/protocol.ts';
import type { VmmEnd } from '../vmm-case.ts';
import { StandInHost } from './stand-in-host.ts';

/** The emulated QEMU over a kernel that answers as it is told to. Nothing runs in its guest. */
export function createSimVmm(): (request: VmmRequest) => object {
  let vmm: SimVmm | undefined;
  return (request) => {
    if (request.do === 'start-vmm') {
      vmm = new SimVmm(request);
      return vmm.greeting === undefined ? {} : { greeting: vmm.greeting };
    }
    if (vmm === undefined) return { error: `${request.do} before start-vmm` };
    return request.do === 'send' ? { lines: vmm.send(fromHex(request.bytes)) } : vmm.look();
  };
}

const FOUR_GIB = 0x1_0000_0000n;

class SimVmm {
  readonly greeting: string | undefined;
  readonly #host: StandInHost;
  readonly #running: { readonly machine: QemuMachine; readonly session: MonitorSession } | undefined;
  readonly #failed: VmmEnd | undefined;

  constructor({ arguments: words, files, host, qemu }: StartVmmRequest) {
    const memory = createMemory();
    const line = parseCommandLine(words);
    this.#host = new StandInHost(host, { available: line.accelerator === 'kvm', read: memory.read });
    const ports: HostPorts = {
      now: () => 0n,
      readGuest: memory.read,
      writeGuest: memory.write,
      readFile: (path) => (path in files ? fromHex(files[path]!) : 'No such file or directory'),
      emptyFile: () => 'No such file or directory',
      appendFile: () => 'No such file or directory',
      remark: () => {},
      exchange: () => {},
      run: () => {},
      reset: () => {},
    };
    const options = readOptions(line, { release: releaseOf(qemu), package: '' }, ports);
    const { firmware } = options;
    if (firmware) memory.write(gpa(FOUR_GIB - BigInt(firmware.length)), firmware);
    try {
      const machine = new QemuMachine(options, this.#host, ports);
      const { session, greeting } = openSession(machine);
      this.#running = { machine, session };
      [this.greeting] = linesOf(greeting);
    } catch (error) {
      if (!(error instanceof QemuExit)) throw error;
      this.#failed = { status: error.status, stderr: error.lines };
    }
  }

  send(bytes: Uint8Array): string[] {
    const { machine, session } = this.#running ?? {};
    if (machine === undefined || session === undefined || machine.state.exit !== undefined) return [];
    return linesOf(receive(machine, session, bytes));
  }

  look() {
    const { exit } = this.#running?.machine.state ?? {};
    const stderr = this.#running?.machine.stderr ?? [];
    const ended = exit ? { status: exit.status, stderr: [...stderr, ...exit.lines] } : (this.#failed ?? null);
    return { calls: this.#host.calls, ended };
  }
}

const releaseOf = (name: string) => QEMU_RELEASES[name === '10.0' ? name : '7.2'];

const linesOf = (text: string): string[] => text.split('\r\n').filter((line) => line !== '');

/** Memory of a guest that starts as zeros; little is ever written to it. */
function createMemory() {
  const written: { readonly at: Gpa; readonly bytes: Uint8Array }[] = [];
  return {
    read(address: Gpa, length: number): Uint8Array {
      const found = new Uint8Array(length);
      for (const { at, bytes } of written) {
        const from = Number(at - address);
        const visible = bytes.subarray(Math.max(0, -from), Math.max(0, length - from));
        if (from < length) found.set(visible, Math.max(0, from));
      }
      return found;
    },
    write(address: Gpa, bytes: Uint8Array): void {
      written.push({ at: address, bytes: bytes.slice() });
    },
  };
}
