/** The trace format: JSON Lines that a lesson plays, a CI job keeps, and a conformance case shows as evidence. */

/** What the first line of a trace says of itself. */
export const TRACE_FORMAT = 'sevlab-trace';
export const TRACE_VERSION = 1;

/** Byte fields longer than this are stored once per trace, as a blob. In bytes. */
export const BLOB_THRESHOLD = 4096;

/** Who does something, or to whom. `disk` is the block device, which the host owns. */
export type Actor = 'guest-owner' | 'host' | 'amd-sp' | 'memory' | 'disk' | 'firmware' | 'kernel' | 'user';

/** A part of an access that is contiguous in DRAM. */
export interface Segment {
  readonly spa: string;
  /** Bytes. */
  readonly length: number;
}

/** What happened, without bytes. Addresses are `0x…` text. */
export type TraceBody =
  /** A message between the guest owner and the host. */
  | { readonly type: 'message'; readonly name: 'certificates' | 'session' | 'measurement' | 'packet' }
  /** The guest owner's decision about a message. */
  | {
      readonly type: 'verdict';
      readonly name: 'certificates' | 'measurement';
      readonly accepted: boolean;
      readonly reason: string;
    }
  /** The mailbox got a command. */
  | { readonly type: 'command'; readonly name: string; readonly id: number; readonly bufferPaddr: string }
  /** The AMD-SP looked at one of the command's ordered checks. */
  | {
      readonly type: 'precondition';
      readonly name: string;
      readonly condition: string;
      readonly held: boolean;
      readonly status: string;
    }
  /** The mailbox answers. */
  | { readonly type: 'status'; readonly name: string; readonly status: string; readonly code: number }
  /** The AMD-SP puts a memory key into an ASID's slot, or takes it away. */
  | { readonly type: 'key'; readonly asid: number; readonly installed: boolean }
  /** One call of a memory view. `raw` sees the cells of DRAM; `private` goes through a guest's key. */
  | {
      readonly type: 'access';
      readonly operation: 'read' | 'write';
      readonly view: 'raw' | 'private' | 'shared';
      readonly gpa?: string;
      readonly asid?: number;
      readonly length: number;
      readonly segments: readonly Segment[];
    }
  /** The host changes where a guest page lies. */
  | { readonly type: 'remap'; readonly gpa: string; readonly spa: string }
  /** A hostile host does something; what, in the words of the scenario, and by which fault if it is one of those. */
  | { readonly type: 'attack'; readonly name: string; readonly fault?: string }
  /** The guest clears or sets the C-bit of pages of 4 KiB in its page tables. */
  | { readonly type: 'page-state'; readonly gpa: string; readonly pages: number; readonly shared: boolean }
  /**
   * The VMM called KVM, or the driver of the AMD-SP, by this name of Linux's. `ret` is 0 or an errno below 0, and `fwError`
   * what the AMD-SP answered.
   */
  | { readonly type: 'kvm'; readonly call: string; readonly ret: number; readonly fwError: number }
  /** A message passed on a monitor of the VMM: JSON, or what is wrong with what came. */
  | { readonly type: 'qmp'; readonly from: 'client' | 'vmm'; readonly text: string }
  /** VMRUN: the guest's own software starts. */
  | { readonly type: 'vmrun'; readonly asid: number }
  /** The host's device gives an item to the firmware; `sha256` is hexadecimal. */
  | { readonly type: 'fw-cfg'; readonly name: string; readonly length: number; readonly sha256: string }
  /** What the firmware makes of a kernel, an initrd or a command line that the host offers. */
  | {
      readonly type: 'boot-blob';
      readonly name: 'kernel' | 'initrd' | 'cmdline';
      readonly outcome: 'verified' | 'unverified' | 'refused';
      readonly reason: string;
    }
  /** The firmware hands over to the kernel, after ExitBootServices. */
  | {
      readonly type: 'handover';
      readonly bootParams: string;
      readonly systemTable: string;
      readonly memoryMap: string;
      readonly secretArea?: {
        readonly base: string;
        readonly size: number;
        readonly reserved: boolean;
        /** Where the configuration table's entry leads: base and size stand there. */
        readonly location: string;
      };
    }
  /** The guest stops. */
  | { readonly type: 'stop'; readonly reason: string }
  /** A line of the kernel log; `level` is the syslog number. */
  | { readonly type: 'printk'; readonly level: number; readonly line: string }
  /** The kernel tells user space of a device. */
  | { readonly type: 'uevent'; readonly action: string; readonly devpath: string; readonly modalias?: string }
  /** A system call on securityfs; `result` is its value, or -errno's name. */
  | {
      readonly type: 'syscall';
      readonly name: string;
      readonly path: string;
      readonly result: number | string;
    }
  /** A command that somebody typed into the guest's shell. */
  | { readonly type: 'shell'; readonly command: string; readonly status: number };

/** One event. `B` is what byte fields are: bytes in memory, text in a file. */
export type TraceEvent<B> = TraceBody & {
  readonly seq: number;
  /** Virtual nanoseconds since the run began. */
  readonly t: number;
  readonly machine: string;
  readonly actor: Actor;
  readonly to: Actor;
  /** Bytes that the host can see. */
  readonly open?: Readonly<Record<string, B>>;
  /** Bytes that the host must not see: plaintext of private memory, keys, secret values. */
  readonly closed?: Readonly<Record<string, B>>;
};

/** Bytes in a file: base64, or the SHA-256 (hex) of a blob line or an input, or only how many there were. */
export type WrittenBytes =
  | string
  | { readonly blob: string; readonly length: number }
  | { readonly length: number };

/** One event as it stands in a file. */
export type WrittenEvent = TraceEvent<WrittenBytes>;

/** The first line. */
export interface TraceHeader {
  readonly format: typeof TRACE_FORMAT;
  readonly version: typeof TRACE_VERSION;
  /** Version of sevlab that wrote the file. */
  readonly sevlab: string;
  readonly simulated: true;
  readonly seed: string;
  /** Virtual time of `t` 0, ISO 8601. */
  readonly start: string;
  readonly command: string;
  /** Words behind the command, but for the seed, that give the same run. */
  readonly arguments?: readonly string[];
  readonly scenario: string;
  /** SHA-256 (hex) of each input, by its name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether closed bytes are in the file. */
  readonly revealed: boolean;
}

/** A long byte field, in front of the first event that names it. */
export interface TraceBlob {
  readonly type: 'blob';
  readonly sha256: string;
  readonly length: number;
  readonly data: string;
}
