import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { GuestMemoryFile } from '@sevlab/real-guest/guest-memory-file';
import { QEMU } from '@sevlab/real-guest/qemu';
import { type RealArguments, realArguments } from '@sevlab/vmm-sim/qemu/real-arguments';
import { ramRegions } from '@sevlab/vmm-sim/ram-regions';

/** How a real QEMU is asked for. */
export interface RealMachineParts {
  /** QEMU's arguments, SEV and all. */
  readonly given: readonly string[];
  /** Bytes of RAM. */
  readonly memorySize: bigint;
  /** Flash unit 0, where the arguments name none. */
  readonly defaultFirmware: Uint8Array | undefined;
  /** Whether the guest is launched elsewhere. */
  readonly launched: boolean;
  /** Whether it starts with firmware that is not ours; otherwise the emulated one has run by then. */
  readonly runsFirmware: boolean;
  /** Files that firmware finds through fw_cfg, by their names there. */
  readonly fwCfg: readonly (readonly [name: string, content: Uint8Array])[];
  readonly kvm: boolean;
  /** Where the guest's RAM is to be; otherwise in a folder that goes with the machine. */
  readonly memoryPath: string | undefined;
}

/** The real QEMU behind an emulated one. It knows nothing of SEV, and its guest's RAM is a file. */
export class RealMachine {
  readonly memory: GuestMemoryFile;
  readonly runsFirmware: boolean;
  /** What it runs otherwise than asked for, in words. */
  readonly remarks: readonly string[];
  readonly #folder: string;
  readonly #monitorPath: string;
  readonly #arguments: RealArguments;
  #child: ChildProcess | undefined;
  #status: Promise<number> | undefined;

  /** Makes the file for the RAM. Throws UsageError, and the errors of node:fs. */
  constructor(parts: RealMachineParts) {
    const { given, memorySize, defaultFirmware, fwCfg, kvm, memoryPath, launched } = parts;
    this.runsFirmware = parts.runsFirmware;
    this.#folder = mkdtempSync(join(tmpdir(), 'sevlab-vmm-'));
    try {
      this.#monitorPath = join(this.#folder, 'qmp.sock');
      const file = (name: string, content: Uint8Array): string => {
        const path = join(this.#folder, name);
        writeFileSync(path, content);
        return path;
      };
      const words = [
        ...given,
        ...(defaultFirmware === undefined
          ? []
          : ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${file('firmware', defaultFirmware)}`]),
        ...fwCfg.flatMap(([name, content], i) => [
          '-fw_cfg',
          `name=${name},file=${file(`fw_cfg-${i}`, content)}`,
        ]),
      ];
      this.#arguments = realArguments(words, {
        monitorPath: this.#monitorPath,
        memoryPath: memoryPath ?? join(this.#folder, 'ram'),
        ...{ memorySize, kvm, launched },
      });
      this.remarks = this.#arguments.remarks;
      this.memory = new GuestMemoryFile(this.#arguments.memoryPath, ramRegions(memorySize));
      this.memory.create();
    } catch (error) {
      this.#removeFolder();
      throw error;
    }
  }

  /** Starts it, paused. False when it ended before anybody could talk to it: it has said why on standard error. */
  async start(): Promise<boolean> {
    const { arguments: words, descriptors } = this.#arguments;
    const inherited = new Array<'ignore' | number>(Math.max(2, ...descriptors) + 1).fill('ignore');
    for (const descriptor of [0, 1, 2, ...descriptors]) inherited[descriptor] = descriptor;
    const [program, ...first] = [...WITH_US, QEMU];
    const child = spawn(program!, [...first, ...words], { stdio: inherited }); // WITH_US may be empty, QEMU is there
    this.#child = child;
    this.#status = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
    });
    let ended = false;
    this.#status.then(
      () => {
        ended = true;
      },
      () => {
        ended = true;
      },
    );
    while (!ended && !existsSync(this.#monitorPath)) await new Promise((resolve) => setTimeout(resolve, 10));
    if (ended) await this.#status;
    return !ended;
  }

  /** QEMU's exit status, when it has ended. Throws when it could not be started. */
  ended(): Promise<number> {
    if (this.#status === undefined) throw new Error('it was not started');
    return this.#status;
  }

  /** A connection to its monitor. */
  connect(): Socket {
    return connect(this.#monitorPath);
  }

  /** Lets it run, for want of a client who would. */
  async cont(): Promise<void> {
    const socket = this.connect();
    await new Promise<void>((resolve) => {
      let answers = 0;
      let text = '';
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1');
        answers += text
          .split('\n')
          .slice(0, -1)
          .filter((line) => /^\{"(return|error)":/.test(line)).length;
        text = text.slice(text.lastIndexOf('\n') + 1);
        if (answers === 2) socket.destroy();
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve());
      socket.write("{'execute':'qmp_capabilities'}{'execute':'cont'}");
    });
  }

  /** Ends it, if it runs, and removes what it left behind; so is the guest's memory, unless it has a place of its own. */
  async close(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#status?.catch(() => {});
    this.#removeFolder();
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Lets it end with us, whatever ends us, where util-linux can. */
const WITH_US: readonly string[] = (process.env.PATH ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'setpriv')))
  ? ['setpriv', '--pdeathsig', 'KILL', '--']
  : [];
