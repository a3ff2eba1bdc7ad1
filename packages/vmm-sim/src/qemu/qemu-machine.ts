import { gpa } from '@sevlab/codec/address';
import { type GuidedTable, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import type { SevCalls } from '../kvm/sev-calls.ts';
import type { DumpFormat } from '../qmp/human-line.ts';
import type { Reply } from '../qmp/json-value.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { FOUR_GIB } from '../ram-regions.ts';
import type { HostPorts } from './host-ports.ts';
import type { MachineOptions } from './machine-options.ts';
import { type MappedRegion, memoryMap } from './memory-map.ts';
import {
  finishLaunch,
  measureFlash,
  measureGuest,
  measureHashes,
  QemuExit,
  type SevLaunch,
  startLaunch,
} from './sev-launch.ts';
import { SEV_MESSAGES } from './sev-messages.ts';
import type { SevObject } from './sev-object.ts';

/** What a machine without a UUID says. */
export const NO_UUID = '00000000-0000-0000-0000-000000000000';

export type RunState = 'prelaunch' | 'running' | 'paused' | 'internal-error';

/** Something that happened, for everybody who is connected. */
export interface MachineEvent {
  readonly name: 'RESUME' | 'STOP' | 'RESET' | 'POWERDOWN' | 'SHUTDOWN';
  readonly data?: { readonly guest: boolean; readonly reason: string };
  /** Microseconds since 1970. */
  readonly time: bigint;
}

/** What the machine has become; plain data. */
export interface MachineState {
  runState: RunState;
  /** Only then is there a machine to run; -preconfig puts it off. */
  initialized: boolean;
  readonly objects: SevObject[];
  /** Whether somebody has looked for objects; only then is there a container for them. */
  objectsSought: boolean;
  launch: SevLaunch | undefined;
  /** Whether its processors have run. */
  started: boolean;
  /** What became of the last attempt to migrate it. */
  migration: 'completed' | 'failed' | undefined;
  /** The processor that the monitor for people is about. */
  currentCpu: number;
  /** How the monitor for people showed memory last. */
  readonly dumpFormat: DumpFormat;
  /** The process is at its end, with that status. */
  exit: { readonly status: number; readonly lines: readonly string[] } | undefined;
}

/** One QEMU process, as its monitors see it. */
export class QemuMachine {
  readonly options: MachineOptions;
  readonly calls: SevCalls;
  readonly ports: HostPorts;
  readonly state: MachineState;
  readonly map: readonly MappedRegion[];
  /** The table at the end of flash unit 0. */
  readonly table: GuidedTable;
  /** For each client that is connected, what has happened and it was not told yet. */
  readonly audience: Set<MachineEvent[]> = new Set();
  /** What QEMU writes to standard error, a line each. */
  readonly stderr: string[] = [];

  /** Starts the machine, as far as the command line says. Throws QemuExit when QEMU would end at once. */
  constructor(options: MachineOptions, calls: SevCalls, ports: HostPorts) {
    this.options = options;
    this.calls = calls;
    this.ports = ports;
    const firmware = options.firmware ?? new Uint8Array();
    this.table = readGuidedTable(firmware);
    this.map = memoryMap(options);
    this.state = {
      ...{ runState: 'prelaunch', initialized: false, objects: [...options.objects], objectsSought: false },
      ...{
        launch: undefined,
        started: false,
        migration: undefined,
        dumpFormat: { format: 'x', size: 4 },
        currentCpu: 0,
        exit: undefined,
      },
    };
    if (!options.preconfig) this.#initialize();
  }

  /** `x-exit-preconfig`. Throws QmpError. */
  exitPreconfig(): void {
    if (this.state.initialized) throw new QmpError(QMP_MESSAGES['too late']);
    this.#orExit(() => this.#initialize());
  }

  #initialize(): void {
    const { state, options, calls, ports } = this;
    const object = state.objects.find(({ id }) => id === options.sevGuest);
    if (object !== undefined) {
      const launch = startLaunch(calls, object, { irqchip: options.irqchip, ports });
      state.launch = launch;
      const { firmware, directBoot: boot } = options;
      if (firmware !== undefined)
        measureFlash(launch, calls, gpa(FOUR_GIB - BigInt(firmware.length)), firmware.length);
      if (boot !== undefined) measureHashes(launch, calls, { table: this.table, boot, ports });
      this.stderr.push(...measureGuest(launch, calls));
    }
    state.initialized = true;
    if (!options.paused) this.#start();
  }

  get sevGuest(): SevLaunch | undefined {
    return this.state.launch;
  }

  /** `cont`. The first time, LAUNCH_FINISH comes first. Throws QmpError. */
  cont(): void {
    const { runState } = this.state;
    if (runState === 'internal-error') throw new QmpError(QMP_MESSAGES['reset required']);
    if (runState !== 'running') this.#orExit(() => this.#start());
  }

  #start(): void {
    const { runState, started } = this.state;
    Object.assign(this.state, { runState: 'running', started: true });
    this.#tell('RESUME');
    if (this.state.launch) finishLaunch(this.state.launch, this.calls);
    if (!started) this.ports.run();
    else if (runState === 'prelaunch') this.ports.reset(); // it was reset while it stood still
  }

  /** `stop`. */
  stop(): void {
    if (this.state.runState !== 'running') return;
    this.state.runState = 'paused';
    this.#tell('STOP');
  }

  /** `system_reset`: a SEV-ES guest ends, since nobody can set its registers. */
  systemReset(): void {
    const data = { guest: false, reason: 'host-qmp-system-reset' };
    const { launch, runState } = this.state;
    if (launch && hasPolicy(launch.object.policy, 'ES')) {
      this.#tell('SHUTDOWN', data);
      this.state.exit = { status: 0, lines: [SEV_MESSAGES['not resettable']] };
      return;
    }
    this.#tell('RESET', data);
    if (runState === 'running') this.ports.reset();
    else this.state.runState = 'prelaunch';
  }

  /** `system_powerdown`: a request to the guest. */
  systemPowerdown(): void {
    this.#tell('POWERDOWN');
  }

  /** `quit`. */
  quit(): void {
    this.#tell('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' });
    this.state.exit = { status: 0, lines: [] };
  }

  /** The processor could not go on: a guest that does not start, or whose memory the host has changed. */
  crash(): void {
    if (this.state.runState !== 'running') return;
    this.state.runState = 'internal-error';
    this.#tell('STOP');
  }

  #tell(name: MachineEvent['name'], data?: MachineEvent['data']): void {
    const event = { name, ...(data && { data }), time: this.ports.now() };
    for (const events of this.audience) events.push(event);
  }

  /** Nothing is answered any more once QEMU has ended. */
  #orExit(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof QemuExit)) throw error;
      this.state.exit = { status: error.status, lines: error.lines };
    }
  }
}

/** `query-status`. */
export const statusReply = ({ state, options }: QemuMachine): Reply => ({
  running: state.runState === 'running', // in this order, which decides between names of one bucket
  ...(options.release.singlestep && { singlestep: false }),
  status: state.runState,
});

/** Nobody has SGX here. */
export const whyNoSgx = ({ options }: QemuMachine): string =>
  options.machine === 'none' ? QMP_MESSAGES['no SGX here'] : QMP_MESSAGES['no EPC'];
