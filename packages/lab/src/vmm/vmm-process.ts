import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Gpa } from '@sevlab/codec/address';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/command-line';
import type { HostPorts } from '@sevlab/vmm-sim/qemu/host-ports';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import type { StartedPlatform } from '../emulated-platform.ts';
import { EmulatedGuest, type Outcome } from './emulated-guest.ts';
import { describeEndpoint, QmpServer } from './qmp-server.ts';
import { remarkText } from './remark-text.ts';
import { strerror } from './strerror.ts';

/** How a VMM is put together. */
export interface VmmParts {
  readonly platform: StartedPlatform;
  readonly options: MachineOptions;
  /** The emulated kernel, a name that kernelProfile knows. */
  readonly linux: string;
  /** Where QMP clients come. */
  readonly monitors: readonly Endpoint[];
  readonly pidFile?: string;
  /** Takes a line for standard error. */
  readonly say: (line: string) => void;
}

/** What QEMU's own code finds in its surroundings, but for the guest. */
export const FILES: Pick<HostPorts, 'readFile' | 'writeFile'> = {
  readFile: (path) => {
    try {
      return new Uint8Array(readFileSync(path));
    } catch (error) {
      return strerror(error);
    }
  },
  writeFile: (path, bytes) => {
    try {
      writeFileSync(path, bytes);
      return undefined;
    } catch (error) {
      return strerror(error);
    }
  },
};

/** A QEMU of ours with its sockets, from its start to its end. */
export class VmmProcess {
  readonly machine: QemuMachine;
  readonly guest: EmulatedGuest;
  readonly #parts: VmmParts;
  readonly #servers: readonly QmpServer[];
  /** The guest's kernel, once it runs. */
  #kernel: Kernel | undefined;
  #ended: (() => void) | undefined;

  /** Launches the guest, as far as the options say. Throws QemuExit. */
  constructor(parts: VmmParts) {
    const { platform, options, linux, monitors } = parts;
    this.#parts = parts;
    this.guest = new EmulatedGuest(platform, options, linux);
    this.machine = new QemuMachine(options, this.guest.kvm, this.#ports());
    this.#servers = monitors.map((endpoint) => new QmpServer(this.machine, endpoint, () => this.#ended?.()));
  }

  /** Where clients come, in words. */
  get places(): readonly string[] {
    return this.#parts.monitors.map(describeEndpoint);
  }

  get kernel(): Kernel | undefined {
    return this.#kernel;
  }

  #ports(): HostPorts {
    const { say } = this.#parts;
    return {
      ...FILES,
      now: () => BigInt(Date.now()) * 1000n,
      readGuest: (address: Gpa, length) => this.guest.read(address, length),
      writeGuest: (address: Gpa, bytes) => this.guest.write(address, bytes),
      remark: (remark) => say(remarkText(remark)),
      run: () => this.#take(this.guest.run()),
      reset: () => this.#take(this.guest.run()),
    };
  }

  #take(outcome: Outcome): void {
    const { say } = this.#parts;
    if (outcome.kind === 'running') this.#kernel = outcome.kernel;
    else say(`the guest does not start: ${outcome.reason}`);
  }

  /** Opens the sockets. Throws EndpointBusy, and the errors of node:net and node:fs; then nothing is left behind. */
  async listen(): Promise<void> {
    try {
      for (const server of this.#servers) await server.listen();
      const { pidFile } = this.#parts;
      if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}\n`);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Until QEMU would have ended. Returns its exit status. */
  async ended(): Promise<number> {
    if (this.machine.state.exit === undefined)
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
      });
    const { lines = [], status = 0 } = this.machine.state.exit ?? {};
    for (const line of lines) this.#parts.say(line);
    await this.close();
    return status;
  }

  /** Ends as if nobody had asked for it: connections are closed, sockets and the file with the number removed. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    const { pidFile } = this.#parts;
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
  }
}
