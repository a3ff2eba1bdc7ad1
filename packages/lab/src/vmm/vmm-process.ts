import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Gpa } from '@sevlab/codec/address';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/command-line';
import type { HostPorts } from '@sevlab/vmm-sim/qemu/host-ports';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import type { StartedPlatform } from '../emulated-platform.ts';
import { HandedOver } from '../real-qemu/handed-over.ts';
import type { RealMachine } from '../real-qemu/real-machine.ts';
import { relayQmp } from '../real-qemu/relay-qmp.ts';
import { systemReason } from '../system-reason.ts';
import { EmulatedGuest, type Outcome } from './emulated-guest.ts';
import { describeEndpoint, OneClientServer } from './one-client-server.ts';
import { remarkText } from './remark-text.ts';
import { serveQmp } from './serve-qmp.ts';

/** How a VMM is put together. */
export interface VmmParts {
  readonly platform: StartedPlatform;
  readonly options: MachineOptions;
  /** The emulated kernel, a name that kernelProfile knows. */
  readonly linux: string;
  /** Where QMP clients come. */
  readonly monitors: readonly Endpoint[];
  readonly pidFile?: string;
  /** What runs the guest's own software; otherwise that is emulated. */
  readonly real?: RealMachine;
  /** Takes a line for standard error. */
  readonly say: (line: string) => void;
}

/** What QEMU's own code finds in its surroundings, but for the guest. */
export const FILES: Pick<HostPorts, 'readFile' | 'writeFile'> = {
  readFile: (path) => {
    try {
      return new Uint8Array(readFileSync(path));
    } catch (error) {
      return systemReason(error);
    }
  },
  writeFile: (path, bytes) => {
    try {
      writeFileSync(path, bytes);
      return undefined;
    } catch (error) {
      return systemReason(error);
    }
  },
};

/** A QEMU of ours with its sockets, from its start to its end. */
export class VmmProcess {
  readonly machine: QemuMachine;
  readonly guest: EmulatedGuest;
  readonly #parts: VmmParts;
  readonly #servers: readonly OneClientServer[];
  /** The guest's kernel, once it runs. */
  #kernel: Kernel | undefined;
  /** The guest's memory, once a real processor has it. */
  #handedOver: HandedOver | undefined;
  #ended: (() => void) | undefined;

  /** Launches the guest, as far as the options say. Throws QemuExit. */
  constructor(parts: VmmParts) {
    const { platform, options, linux, monitors } = parts;
    this.#parts = parts;
    this.guest = new EmulatedGuest(platform, options, linux);
    this.machine = new QemuMachine(options, this.guest.kvm, this.#ports());
    this.#servers = monitors.map(
      (endpoint) => new OneClientServer(endpoint, (client) => this.#serve(client)),
    );
  }

  /** Where clients come, in words. */
  get places(): readonly string[] {
    return this.#parts.monitors.map(describeEndpoint);
  }

  get kernel(): Kernel | undefined {
    return this.#kernel;
  }

  #serve(client: Socket): void {
    const onExit = (): void => this.#ended?.();
    const real = this.#parts.real?.connect();
    if (real === undefined) serveQmp(this.machine, client, onExit);
    else relayQmp(this.machine, client, real, onExit);
  }

  #ports(): HostPorts {
    const { say } = this.#parts;
    return {
      ...FILES,
      now: () => BigInt(Date.now()) * 1000n,
      readGuest: (address: Gpa, length) => {
        this.#handedOver?.refresh(address, length);
        return this.guest.read(address, length);
      },
      writeGuest: (address: Gpa, bytes) => this.guest.write(address, bytes),
      remark: (remark) => say(remarkText(remark)),
      run: () => this.#run(),
      reset: () => this.#run(),
    };
  }

  #run(): void {
    const { real } = this.#parts;
    if (real === undefined) this.#take(this.guest.run());
    else if (this.#handedOver === undefined) this.#handOver(real);
  }

  #handOver(real: RealMachine): void {
    if (this.#parts.options.sevGuest === undefined) return;
    const outcome = real.runsFirmware ? undefined : this.guest.runFirmware();
    if (outcome?.kind === 'stopped') this.#parts.say(`the guest does not start: ${outcome.reason}`);
    this.guest.writeTo(real.memory);
    this.#handedOver = new HandedOver(this.guest, real.memory);
  }

  #take(outcome: Outcome): void {
    const { say } = this.#parts;
    if (outcome.kind === 'running') this.#kernel = outcome.kernel;
    else say(`the guest does not start: ${outcome.reason}`);
  }

  /** Opens the sockets. Throws EndpointBusy, and the errors of node:net and node:fs; then nothing is left behind. */
  async listen(): Promise<void> {
    const { pidFile, real } = this.#parts;
    try {
      if (real !== undefined) await this.#start(real);
      for (const server of this.#servers) await server.listen();
      if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}\n`);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #start(real: RealMachine): Promise<void> {
    for (const remark of real.remarks) this.#parts.say(remark);
    if (!(await real.start())) return;
    if (this.machine.state.runState === 'running') await real.cont();
  }

  /** Until QEMU would have ended. Returns its exit status. */
  async ended(): Promise<number> {
    const { real, say } = this.#parts;
    const emulated = new Promise<void>((resolve) => {
      if (this.machine.state.exit === undefined) this.#ended = resolve;
      else resolve();
    });
    const realStatus = await Promise.race([emulated, ...(real ? [real.ended()] : [])]);
    const { lines = [], status = realStatus ?? 0 } = this.machine.state.exit ?? {};
    for (const line of lines) say(line);
    await this.close();
    return status;
  }

  /** Ends as if nobody had asked for it: connections are closed, sockets and the file with the number removed. */
  async close(): Promise<void> {
    const { pidFile, real } = this.#parts;
    await Promise.all(this.#servers.map((server) => server.close()));
    await real?.close();
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
  }
}
