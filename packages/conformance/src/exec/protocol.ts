import type { ProbeResult } from '@sevlab/guest-kernel-sim/standalone';
import type {
  ChainName,
  ExpectedLaunch,
  GivenSecret,
  HostCallName,
  KernelTables,
  VerdictName,
} from '../case.ts';

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

export const EXEC_ROOMS = ['kernel', 'psp', 'vmm', 'tenant'] as const;
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

/** Asks a VMM to start, over a kernel that answers as `host` says, otherwise that all is well. */
export interface StartVmmRequest {
  readonly do: 'start-vmm';
  readonly case: string;
  /** The release whose answers are expected. */
  readonly qemu: string;
  /** In QEMU's words, without the program and without a monitor. */
  readonly arguments: readonly string[];
  /** What the arguments name, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** `errno` is the number. */
  readonly host: readonly { readonly call: HostCallName; readonly errno: number; readonly status: number }[];
}

export type VmmRequest =
  | StartVmmRequest
  /** A client sends. */
  | { readonly do: 'send'; readonly bytes: string }
  /** What the kernel was asked so far, and whether the VMM has ended. */
  | { readonly do: 'look' };

/** What a tenant believes of a launch, files as their bytes; `digest` in place of all that is started. */
export interface LaunchQuestion
  extends Required<Pick<ExpectedLaunch, 'tik' | 'tek' | 'version' | 'policy' | 'measurement'>> {
  readonly digest?: string;
  readonly firmware?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  /** There with a kernel. */
  readonly commandLine?: string;
  readonly vcpus?: NonNullable<ExpectedLaunch['vcpus']>;
}

/** Certificates, and the AMD certificate that is the root. */
export interface ChainQuestion {
  readonly certificates: Readonly<Record<ChainName, string>>;
  readonly trusted: string;
}

/** Asks a tenant. */
export type TenantRequest = { readonly do: 'tenant'; readonly case: string } & (
  | ({ readonly question: 'measurement' } & LaunchQuestion)
  | ({ readonly question: 'packet'; readonly secrets: readonly GivenSecret[] } & LaunchQuestion)
  | { readonly question: 'session'; readonly tik: string; readonly policy: number; readonly session: string }
  | ({ readonly question: 'chain' } & ChainQuestion)
);

export type Request = Greeting | KernelRequest | MachineRequest | VmmRequest | TenantRequest;

/** The answer of a kernel: as `sevlab guest --json` prints it. */
export type KernelReply = Pick<ProbeResult, 'probe'> & Partial<Pick<ProbeResult, Seeing>>;

/** The answer of a tenant; with a packet that it seals, header and data. */
export interface TenantReply {
  readonly verdict: VerdictName;
  readonly header?: string;
  readonly data?: string;
}

/** In place of any answer but the first: this case is not for the program. */
export interface Skip {
  readonly skip: string;
}
