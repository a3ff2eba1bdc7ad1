import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Gpa } from '@sevlab/codec/address';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/chardev';
import type { HostPorts } from '@sevlab/vmm-sim/qemu/host-ports';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import type { StartedPlatform } from '../emulated-platform.ts';
import { HandedOver } from '../real-qemu/handed-over.ts';
import type { RealMachine } from '../real-qemu/real-machine.ts';
import { RelayServer } from '../real-qemu/relay-server.ts';
import { EmulatedGuest, type Outcome, type Software } from './emulated-guest.ts';
import { QmpServer } from './qmp-server.ts';
import { isRefusal, remarkText } from './remark-text.ts';
import { SerialPort } from './serial-port.ts';
import { strerror } from './strerror.ts';
import { whyRefused } from './why-refused.ts';

/** How a VMM is put together. */
export interface VmmParts {
  readonly platform: StartedPlatform;
  readonly options: MachineOptions;
  readonly software: Software;
  /** Where QMP clients come. */
  readonly monitors: readonly Endpoint[];
  /** Where the guest's console is. */
  readonly serial?: Endpoint;
  readonly pidFile?: string;
  /** Whether to say what QEMU lets pass. */
  readonly lint: boolean;
  /** What runs the guest's own software, console and all; otherwise that is emulated. */
  readonly real?: RealMachine;
  /** Takes a line for standard error. */
  readonly say: (line: string) => void;
}

/** What QEMU's own code finds in its surroundings, but for the guest. */
export const FILES: Pick<HostPorts, 'readFile' | 'emptyFile' | 'appendFile'> = {
  readFile: (path) => {
    try {
      return new Uint8Array(readFileSync(path));
    } catch (error) {
      return strerror(error);
    }
  },
  emptyFile: (path) => whyNot(() => writeFileSync(path, '')),
  appendFile: (path, bytes) => whyNot(() => appendFileSync(path, bytes)),
};

/** Does it; in words why it cannot. */
function whyNot(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return strerror(error);
  }
}

/** A QEMU of ours with its sockets, from its start to its end. */
export class VmmProcess {
  readonly machine: QemuMachine;
  readonly guest: EmulatedGuest;
  readonly #parts: VmmParts;
  readonly #servers: readonly (QmpServer | RelayServer)[];
  readonly #serial: SerialPort | undefined;
  /** The guest's kernel, once it runs. */
  #kernel: Kernel | undefined;
  /** The guest's memory, once a real processor has it. */
  #handedOver: HandedOver | undefined;
  #ended: (() => void) | undefined;
  /** The file with the process's number, once it is written. */
  #pidFile: string | undefined;

  /** Launches the guest, as far as the options say. Throws QemuExit. */
  constructor(parts: VmmParts) {
    const { platform, options, software, monitors, serial, real } = parts;
    this.#parts = parts;
    this.#serial = serial && new SerialPort(serial, this.#serialHost);
    this.guest = new EmulatedGuest(platform, options, software);
    this.machine = new QemuMachine(options, this.guest.kvm, this.#ports());
    const settle = (): void => this.#settle();
    this.#servers = monitors.map((endpoint) =>
      real === undefined
        ? new QmpServer(this.machine, endpoint, settle)
        : new RelayServer(this.machine, real, endpoint, settle),
    );
  }

  /** Where clients come, in words. */
  get places(): string {
    const console = this.#serial === undefined ? '' : `; console on ${this.#serial.queue.place}`;
    return `QMP on ${this.#servers.map(({ queue }) => queue.place).join(', ')}${console}`;
  }

  get kernel(): Kernel | undefined {
    return this.#kernel;
  }

  #ports(): HostPorts {
    const { say, lint, platform, options } = this.#parts;
    const { observer } = platform;
    return {
      ...FILES,
      now: () => BigInt(Date.now()) * 1000n,
      readGuest: (address: Gpa, length) => {
        this.#handedOver?.refresh(address, length);
        return this.guest.read(address, length);
      },
      writeGuest: (address: Gpa, bytes) => this.guest.write(address, bytes),
      remark: (remark) => {
        if (lint || isRefusal(remark)) say(remarkText(remark));
        if (!isRefusal(remark)) return;
        const { readFile } = FILES;
        const why = whyRefused(platform.secureProcessor, options, { refusal: remark, readFile });
        if (why !== undefined) say(`${remark.call}: ${why}`);
      },
      exchange: (from, text) => observer.observe('host', 'host', () => ({ type: 'qmp', from, text: text() })),
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
    if (real.memory === undefined) return; // it is no guest of SEV
    const outcome = real.runsFirmware ? undefined : this.guest.runFirmware();
    if (outcome?.kind === 'stopped') this.#parts.say(`the guest does not start: ${outcome.reason}`);
    this.guest.writeTo(real.memory);
    this.#handedOver = new HandedOver(this.guest, real);
  }

  readonly #serialHost = {
    isRunning: () => this.machine.state.runState === 'running' && this.machine.state.exit === undefined,
    quit: () => this.#ended?.(),
  };

  #take(outcome: Outcome): void {
    const { say } = this.#parts;
    this.#serial?.disconnect();
    if (outcome.kind === 'stopped') {
      say(`the guest does not start: ${outcome.reason}`);
      return;
    }
    this.#kernel = outcome.kernel;
    this.#serial?.connect(outcome.kernel);
  }

  /** A client was answered: others may have to know. */
  #settle(): void {
    for (const server of this.#servers) server.tellEvents();
    this.#serial?.update();
    if (this.machine.state.exit !== undefined) this.#ended?.();
  }

  /** Opens the sockets. Throws EndpointBusy, and the errors of node:net and node:fs; then nothing is left behind. */
  async listen(): Promise<void> {
    const { pidFile, real, say } = this.#parts;
    for (const line of this.machine.stderr) say(line);
    process.once('exit', this.#removeFiles);
    try {
      if (real !== undefined) await this.#start(real);
      for (const { queue } of this.#servers) await queue.open();
      await this.#serial?.open();
      if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}\n`);
      this.#pidFile = pidFile;
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
    await Promise.all([this.#serial?.close(), ...this.#servers.map(({ queue }) => queue.close())]);
    await this.#parts.real?.close();
    this.#removeFiles();
    process.off('exit', this.#removeFiles);
  }

  readonly #removeFiles = (): void => {
    for (const { queue } of this.#servers) queue.removeFile();
    this.#serial?.queue.removeFile();
    if (this.#pidFile !== undefined) rmSync(this.#pidFile, { force: true });
  };
}
