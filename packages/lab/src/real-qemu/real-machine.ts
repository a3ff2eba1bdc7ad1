import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegionRequest } from '@sevlab/machine/guest-ram';
import { GuestMemoryFile } from '@sevlab/real-guest/guest-memory-file';
import { QEMU } from '@sevlab/real-guest/qemu';
import { type RealArguments, realArguments } from '@sevlab/vmm-sim/qemu/real-arguments';
import { isOnPath } from '../on-path.ts';

/** How a real QEMU is asked for. */
export interface RealMachineParts {
  /** QEMU's arguments, SEV and all. */
  readonly given: readonly string[];
  /** Flash unit 0, where the arguments name none. */
  readonly defaultFirmware: Uint8Array | undefined;
  /** For a guest that is launched elsewhere: its RAM, and the file for it, unless one in a folder that goes. */
  readonly launched?: { readonly ram: readonly RegionRequest[]; readonly memoryPath: string | undefined };
  /** Whether it starts with firmware that is not ours; otherwise the emulated one has run by then. */
  readonly runsFirmware: boolean;
  /** Files that firmware finds through fw_cfg, by their names there. */
  readonly fwCfg: readonly (readonly [name: string, content: Uint8Array])[];
  readonly kvm: boolean;
}

/** The real QEMU behind an emulated one. It knows nothing of SEV, and its guest's RAM is a file. */
export class RealMachine {
  /** A launched guest's RAM. */
  memory: GuestMemoryFile | undefined;
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
    const { given, defaultFirmware, fwCfg, kvm, launched } = parts;
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
        ...{ monitorPath: this.#monitorPath, kvm },
        ...(launched && {
          launched: {
            memorySize: launched.ram.reduce((sum, { length }) => sum + length, 0n),
            memoryPath: launched.memoryPath ?? join(this.#folder, 'ram'),
          },
        }),
      });
      this.remarks = this.#arguments.remarks;
      const { memoryPath } = this.#arguments;
      if (launched && memoryPath !== undefined) {
        this.memory = new GuestMemoryFile(memoryPath, launched.ram);
        this.memory.create();
      }
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
    const end = (): void => {
      ended = true;
    };
    this.#status.then(end, end);
    // it greets before its machine is there, and answers when it is
    while (!ended && !(await this.#tell([]))) await sleep(10);
    if (ended) await this.#status;
    else this.#hideFiles();
    return !ended;
  }

  /** QEMU has its files open by now: whatever ends us, no guest's memory stays behind. */
  #hideFiles(): void {
    const { memory } = this;
    if (memory?.path.startsWith(this.#folder)) this.memory = memory.hidden();
    for (const name of readdirSync(this.#folder))
      if (name !== basename(this.#monitorPath)) rmSync(join(this.#folder, name));
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
    await this.#tell(['cont']);
  }

  /** Whether these commands were answered. */
  async #tell(commands: readonly string[]): Promise<boolean> {
    const socket = this.connect();
    const all = ['qmp_capabilities', ...commands];
    return new Promise((resolve) => {
      let text = '';
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1');
        if ([...text.matchAll(/^\{"(return|error)".*\r\n/gm)].length === all.length) {
          resolve(true);
          socket.destroy();
        }
      });
      socket.on('error', () => socket.destroy()); // nobody listens yet, or any more; 'close' follows
      socket.on('close', () => resolve(false));
      socket.write(all.map((execute) => JSON.stringify({ execute })).join('\n'));
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
const WITH_US: readonly string[] = isOnPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];
