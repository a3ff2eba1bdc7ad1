import type { Chardev } from './chardev.ts';
import type { MachineOptions, QemuRelease } from './machine-options.ts';
import { type OptionValues, UsageError, ValueError } from './option-text.ts';
import type { SevObject } from './sev-object.ts';

/** A command line of QEMU, its files not read yet. */
export interface QemuCommandLine
  extends Pick<
    MachineOptions,
    | 'machine'
    | 'accelerator'
    | 'irqchip'
    | 'memorySize'
    | 'vcpus'
    | 'topology'
    | 'cpuModel'
    | 'paused'
    | 'preconfig'
    | 'objects'
  > {
  readonly sevGuest?: string;
  readonly name?: string;
  readonly uuid?: string;
  /** Flash unit 0, or -bios. */
  readonly firmwareFile?: string;
  /** The option that names it as flash. */
  readonly firmwareOption?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append: string;
  readonly monitors: readonly Chardev[];
  /** The first serial port. */
  readonly serial?: Chardev;
  readonly pidFile?: string;
  readonly daemonize: boolean;
  /** Options that are taken and come to nothing here. */
  readonly ignored: readonly string[];
}

/** What becomes a command line. */
export type Parsed = { -readonly [Field in keyof QemuCommandLine]: QemuCommandLine[Field] };

/** State while options are read: later ones refer to earlier ones, and the other way round. */
export interface Reading {
  readonly result: Parsed & {
    readonly objects: SevObject[];
    readonly monitors: Chardev[];
    readonly ignored: string[];
  };
  readonly chardevs: Map<string, Chardev>;
  readonly blockdevs: Map<string, { readonly values: OptionValues; readonly option: string }>;
  /** Names of all objects. */
  readonly objectIds: Set<string>;
  /** What -machine refers to. */
  readonly references: Map<string, string>;
  /** Of the machine's type, where one is named. */
  machineVersion: string | undefined;
  /** Whether there is a flash unit 1. */
  secondFlash: boolean;
  /** Whether there is an -accel. */
  accelerator: boolean;
  /** Names of chardevs that are monitors, or serial ports. */
  readonly monitorIds: string[];
  readonly serials: string[];
  readonly reader: CommandLineReader;
  pflash: string | undefined;
  smp: OptionValues | undefined;
  /** -nographic, -nodefaults */
  nographic: boolean;
  defaults: boolean;
}

/** Who reads a command line. */
export interface CommandLineReader {
  readonly release: QemuRelease;
  /** What becomes of options and objects that are not known: they may be left to somebody else. */
  readonly others: 'refused' | 'ignored';
}

/** QEMU says which option it is whose value is wrong. */
export function withOption(option: string, take: () => void): void {
  try {
    take();
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`${option}: ${error.message}`);
    throw error;
  }
}

/** Where QEMU does not say which option it was. */
export function asUsage(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(error.message);
    throw error;
  }
}
