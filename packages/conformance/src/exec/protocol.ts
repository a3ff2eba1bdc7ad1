import type { ProbeResult } from '@sevlab/guest-kernel-sim/standalone';
import type { KernelTables } from '../case.ts';

/**
 * What the suite and somebody else's program say to each other: a line of JSON each way. docs/reference/exec-protocol.md
 * tells it to people who write such a program. Bytes are hexadecimal, addresses are text with 0x in front.
 */
export const PROTOCOL = 'sevlab-exec';
export const PROTOCOL_VERSION = 1;

/** The first line. */
export interface Greeting {
  readonly protocol: typeof PROTOCOL;
  readonly version: number;
}

/** What the program answers to it. */
export interface Introduction extends Greeting {
  /** The program and its version, for the report. */
  readonly name: string;
  /** What cases it takes. */
  readonly rooms: readonly ExecRoom[];
  /** `kernel`: the parts of an answer that it gives. Default: all but `boot`. */
  readonly sees?: readonly Seeing[];
  /** `psp`: what it is like. Default: genoa-1.55. */
  readonly firmware?: ExecFirmware;
}

export const EXEC_ROOMS = ['kernel', 'psp'] as const;
export type ExecRoom = (typeof EXEC_ROOMS)[number];

export const EXEC_FIRMWARES = ['genoa-1.55', 'api-0.16', 'spec'] as const;
export type ExecFirmware = (typeof EXEC_FIRMWARES)[number];

/** Parts of what a kernel answers, besides `probe`, which is always there. */
export const SEEING = ['dmesg', 'dir', 'read', 'ops', 'area_after', 'boot'] as const;
export type Seeing = (typeof SEEING)[number];

/** Asks a kernel to look at a secret area. */
export interface KernelRequest {
  readonly do: 'kernel';
  readonly case: string;
  /** The release that the answer is about; absent: any. */
  readonly linux?: string;
  readonly mode: 'bind' | 'load' | 'none';
  /** What lies at `at`; zeros follow. */
  readonly area: string;
  /** What the location says. */
  readonly base: string;
  readonly size: string;
  readonly at: string;
  readonly operations: readonly string[];
  /** Words of KERNEL_BUILDS. */
  readonly build?: readonly string[];
  /** A boot of its own on these tables, as the case has them. */
  readonly tables?: KernelTables;
}

/** Asks an AMD-SP, and the machine around it. */
export type MachineRequest =
  /** Everything is forgotten: a machine that was just switched on. */
  | { readonly do: 'power-on'; readonly case: string }
  | { readonly do: 'write'; readonly at: string; readonly bytes: string }
  | { readonly do: 'read'; readonly at: string; readonly length: number }
  /** A core executes WBINVD; without `core` each of them. */
  | { readonly do: 'wbinvd'; readonly core?: number }
  /** The mailbox is rung. */
  | { readonly do: 'command'; readonly id: string; readonly buffer: string }
  /** Memory through the key of an ASID, whether or not its guest runs. */
  | { readonly do: 'guest-write'; readonly asid: number; readonly at: string; readonly bytes: string }
  | { readonly do: 'guest-read'; readonly asid: number; readonly at: string; readonly length: number }
  /** Whether VMRUN accepts the ASID; `vmsa` is where the register state of a SEV-ES guest lies. */
  | { readonly do: 'vmrun'; readonly asid: number; readonly vmsa?: string };

export type Request = Greeting | KernelRequest | MachineRequest;

/** The answer of a kernel: as `sevlab guest --json` prints it. */
export type KernelReply = Pick<ProbeResult, 'probe'> & Partial<Pick<ProbeResult, Seeing>>;

/** In place of any answer but the first: this case is not for the program. */
export interface Skip {
  readonly skip: string;
}
