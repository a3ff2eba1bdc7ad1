import { fillForm } from '@sevlab/codec/message-form';
import type { DirectBoot } from '../direct-boot.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import type { QemuCommandLine } from './command-line-reading.ts';
import type { CpuTopology } from './cpu-topology.ts';
import type { HostPorts } from './host-ports.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
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
  const { firmwareFile, firmwareOption, kernel, initrd, append, monitors, serial, ...rest } = line;
  const read = (path: string, complain: (reason: string) => UsageError): Uint8Array => {
    const bytes = ports.readFile(path);
    if (typeof bytes === 'string') throw complain(bytes);
    return bytes;
  };
  const noKernel = (path: string) => (reason: string) =>
    new UsageError(fillForm(OPTION_MESSAGES['no kernel'], { path, why: reason }), 'qemu');
  const noInitrd = (path: string) => (reason: string) =>
    new UsageError(
      fillForm(OPTION_MESSAGES['no initrd'], {
        path,
        why: `Failed to open file “${path}”: open() failed: ${reason}`,
      }),
      'qemu',
    );
  const readFlash = (path: string, option: string): Uint8Array =>
    expectFlash(
      read(
        path,
        (reason) =>
          new UsageError(`${option}: ${fillForm(QMP_MESSAGES['not opened'], { path, why: reason })}`),
      ),
    );
  const readBios = (path: string): Uint8Array => {
    const complaint = new UsageError(fillForm(OPTION_MESSAGES['no BIOS'], { path }), 'qemu');
    const bytes = read(path, () => complaint);
    if (bytes.length === 0 || bytes.length % BIOS_UNIT !== 0) throw complaint;
    return bytes;
  };
  return {
    ...rest,
    ...build,
    chardevs: [...monitors, ...(serial ? [serial] : [])].map(({ label, filename }) => ({ label, filename })),
    ...(firmwareFile !== undefined && {
      firmware:
        firmwareOption === undefined ? readBios(firmwareFile) : readFlash(firmwareFile, firmwareOption),
    }),
    ...(kernel !== undefined && {
      kernelFile: kernel,
      ...(initrd !== undefined && { initrdFile: initrd }),
      directBoot: {
        kernel: read(kernel, noKernel(kernel)),
        ...(initrd !== undefined && { initrd: read(initrd, noInitrd(initrd)) }),
        commandLine: append,
      },
    }),
  };
}

const BIOS_UNIT = 0x1_0000;
const FLASH_UNIT = 0x1000;
const FLASH_MAX = 8 << 20;
const SECTOR = 512;

/** hw/i386/pc_sysfw.c: pc_system_flash_map(). Throws UsageError. */
function expectFlash(bytes: Uint8Array): Uint8Array {
  const size = Math.ceil(bytes.length / SECTOR) * SECTOR;
  if (size === 0 || size % FLASH_UNIT !== 0)
    throw new UsageError(
      `${fillForm(OPTION_MESSAGES['bad flash'], { size })}\n` +
        'qemu-system-x86_64: info: its size must be a non-zero multiple of 0x1000',
    );
  if (size > FLASH_MAX) throw new UsageError(fillForm(OPTION_MESSAGES['large flash'], { most: FLASH_MAX }));
  return bytes;
}
