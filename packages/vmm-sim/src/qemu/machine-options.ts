import type { DirectBoot } from '../direct-boot.ts';
import type { QemuCommandLine } from './command-line.ts';
import type { CpuTopology } from './cpu-topology.ts';
import type { HostPorts } from './host-ports.ts';
import { UsageError } from './option-text.ts';
import type { SevObject } from './sev-object.ts';

/** QEMU as it was in a release, where clients see a difference. */
export interface QemuRelease {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** `singlestep` in query-status, gone in 8.1. */
  readonly singlestep: boolean;
  /** `sev-type` in query-sev, there from 9.1 on. */
  readonly sevType: boolean;
}

export const QEMU_RELEASES = {
  '7.2': { major: 7, minor: 2, micro: 22, singlestep: true, sevType: false },
  '10.0': { major: 10, minor: 0, micro: 13, singlestep: false, sevType: true },
} as const satisfies Readonly<Record<string, QemuRelease>>;

/** A socket or the like through which somebody talks to the machine. */
export interface Chardev {
  readonly label: string;
  readonly filename: string;
}

/** What a command line comes to, its files read. */
export interface MachineOptions {
  readonly release: QemuRelease;
  /** What `query-version` calls the build. */
  readonly package: string;
  readonly machine: 'q35' | 'pc' | 'none';
  readonly accelerator: 'kvm' | 'tcg';
  /** Whether interrupts are KVM's. */
  readonly irqchip: boolean;
  /** Bytes. */
  readonly memorySize: bigint;
  readonly vcpus: number;
  readonly topology: CpuTopology;
  readonly cpuModel: string;
  readonly name?: string;
  readonly uuid?: string;
  /** -S */
  readonly paused: boolean;
  /** -preconfig */
  readonly preconfig: boolean;
  readonly objects: readonly SevObject[];
  /** The object that is the machine's confidential-guest-support. */
  readonly sevGuest?: string;
  /** Flash unit 0. */
  readonly firmware?: Uint8Array;
  readonly directBoot?: DirectBoot;
  /** Where that came from. */
  readonly kernelFile?: string;
  readonly initrdFile?: string;
  readonly chardevs: readonly Chardev[];
}

/** Reads the files that a command line names. Throws UsageError for one that cannot be read. */
export function readOptions(
  line: QemuCommandLine,
  build: Pick<MachineOptions, 'release' | 'package'>,
  ports: Pick<HostPorts, 'readFile'>,
): MachineOptions {
  const { firmwareFile, kernel, initrd, append, monitors, serial, ...rest } = line;
  const read = (path: string, why: (reason: string) => string): Uint8Array => {
    const bytes = ports.readFile(path);
    if (typeof bytes === 'string') throw new UsageError(why(bytes));
    return bytes;
  };
  const noKernel = (path: string) => (reason: string) => `could not open kernel file '${path}': ${reason}`;
  return {
    ...rest,
    ...build,
    chardevs: [...monitors, ...(serial ? [serial] : [])].map(({ label, filename }) => ({ label, filename })),
    ...(firmwareFile !== undefined && {
      firmware: read(firmwareFile, (reason) => `Could not open '${firmwareFile}': ${reason}`),
    }),
    ...(initrd !== undefined && { initrdFile: initrd }),
    ...(kernel !== undefined && {
      kernelFile: kernel,
      directBoot: {
        kernel: read(kernel, noKernel(kernel)),
        ...(initrd !== undefined && { initrd: read(initrd, noKernel(initrd)) }),
        commandLine: append,
      },
    }),
  };
}
