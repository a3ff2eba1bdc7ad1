import type { SevStatus } from '@sevlab/codec/sev/status';

/** A case of the suite: data that any implementation can run. `case.schema.json` says the same as JSON Schema. */
export type Case = PspCase | FirmwareCase | KernelCase;

interface CaseHead {
  /** Never given to another case, whatever becomes of this one. */
  readonly id: string;
  /** What must happen, in one sentence. */
  readonly title: string;
  /** Document and title, or file and symbol. */
  readonly clause: string;
  /** How we know the answer. */
  readonly evidence: readonly Evidence[];
  readonly flags?: readonly Flag[];
}

/**
 * `observed`: this very case ran there. `tool`: a program that others wrote computes the same. `specification`: the
 * clause says so. `source`: read from the named public source. `behaviour`: known of that version; no hardware ran it
 * for this suite.
 */
export interface Evidence {
  readonly kind: 'observed' | 'tool' | 'specification' | 'source' | 'behaviour';
  readonly what: string;
}

/** What to keep in mind before calling an implementation wrong. */
export const FLAGS = {
  OrderNotNormative: 'Two checks fail at once, and no document says which of them speaks.',
  VersionDependent: 'Published versions, or a version and its document, answer differently.',
  Quirk: 'Known behaviour that nobody would design.',
} as const;
export type Flag = keyof typeof FLAGS;

/** A number, or a hexadecimal one as text: JSON has no other way to write it. */
export type NumberText = number | string;

// The AMD-SP behind its mailbox.

export interface PspCase extends CaseHead {
  readonly room: 'psp';
  readonly given: PspGiven;
  readonly when: readonly PspStep[];
  readonly then: PspThen;
}

export interface PspGiven {
  /** `READY`: INIT, then WBINVD on every core and DF_FLUSH. */
  readonly platform: 'UNINIT' | 'INIT' | 'READY';
  /** A guest with a good session, in this state; absent: no guest. */
  readonly guest?: 'LUPDATE' | 'LSECRET' | 'RUNNING';
  /** What that guest has not. */
  readonly without?: readonly 'asid'[];
  /** Policy of the session and of the guest. Default: 1. */
  readonly policy?: NumberText;
  /** Version of the SEV firmware. Default: genoa-1.55. */
  readonly firmware?: 'genoa-1.55' | 'api-0.16';
}

/** The commands that a step can issue. */
export const STEP_COMMANDS = [
  ...['INIT', 'SHUTDOWN', 'PLATFORM_STATUS', 'PDH_GEN', 'DF_FLUSH'],
  ...['ACTIVATE', 'DEACTIVATE', 'DECOMMISSION', 'GUEST_STATUS'],
  ...['LAUNCH_START', 'LAUNCH_UPDATE_DATA', 'LAUNCH_MEASURE', 'LAUNCH_SECRET', 'LAUNCH_FINISH'],
] as const;
export type StepCommand = (typeof STEP_COMMANDS)[number];

export type PspStep = CommandStep | HostStep;

/** Something that the host does without the AMD-SP. */
export interface HostStep {
  readonly host: 'WBINVD';
}

/** One command. Whatever is not said is right: the buffer, the bytes it points to, the guest it names. */
export interface CommandStep {
  readonly command: StepCommand;
  /** Fields of the command buffer, by their names in the specification. */
  readonly fields?: Readonly<Record<string, FieldValue>>;
  /** LAUNCH_UPDATE_DATA: what lies at PADDR, in hexadecimal. Default: 4096 bytes of 41h. */
  readonly content?: string;
  /** LAUNCH_START: the session. */
  readonly session?: SessionChange;
  /** LAUNCH_SECRET: the packet. */
  readonly packet?: PacketChange;
  /** The status of a step that is not the last. Default: SUCCESS. */
  readonly expect?: SevStatus;
}

/**
 * A number, or: `target`, the 64 KiB of guest memory that secrets and data go to, which start at a page; `target+8`;
 * `unusable`, an address above all memory; `hole`, an address that is no memory; `guest`, the handle.
 */
export type FieldValue = NumberText;

export interface SessionChange {
  /** The policy under POLICY_MAC, and the default of POLICY. Default: that of `given`. */
  readonly policy?: NumberText;
  /** A bit that is changed when all is made. */
  readonly flip?: {
    readonly part: 'nonce' | 'wrapTk' | 'wrapIv' | 'wrapMac' | 'policyMac';
    readonly bit: number;
  };
}

export interface PacketChange {
  /** Bytes of data; a multiple of 16. Default: 64. */
  readonly length?: number;
  /** FLAGS, under the MAC. Default: 0. */
  readonly flags?: NumberText;
  /** The first byte under the MAC. Default: 1. */
  readonly context?: number;
  /** How GUEST_LEN and TRANS_LEN are written under the MAC. Default: little endian. */
  readonly lengths?: 'big-endian';
  /** What ends the MAC's input. Default: the 32 bytes of MEASURE, or nothing before API 0.17. */
  readonly measure?: 'none' | 'other' | 'with-mnonce';
  /** A bit that is changed when all is made. */
  readonly flip?: {
    readonly part: 'header.flags' | 'header.iv' | 'header.mac' | 'data';
    readonly bit: number;
  };
}

/** What is compared; what is absent is not. */
export interface PspThen {
  /** Of the last command. */
  readonly status: SevStatus;
  /** Of the guest that was launched last. */
  readonly guestState?: 'UNINIT' | 'LUPDATE' | 'LSECRET' | 'RUNNING';
  readonly platformState?: 'UNINIT' | 'INIT' | 'WORKING';
  readonly guestCount?: number;
  /** Fields of the last command's buffer, as the AMD-SP left it. */
  readonly out?: Readonly<Record<string, NumberText>>;
  /**
   * The target after the last command. `unchanged`: every cell is as before it. `plaintext`: the guest reads what was
   * meant for it, the host reads neither that nor the packet, and around it nothing changed.
   */
  readonly memory?: 'unchanged' | 'plaintext';
  /** The SHA-256 that the last measurement vouches for. */
  readonly launchDigest?: string;
  /** Whether VMRUN accepts the guest's ASID. */
  readonly runnable?: boolean;
}

// Firmware images, and what their firmware leaves to the kernel.

export interface FirmwareCase extends CaseHead {
  readonly room: 'firmware';
  readonly given: FirmwareGiven;
  readonly when: 'inspect' | 'boot';
  readonly then: FirmwareThen;
}

export interface FirmwareGiven {
  readonly image: BuiltImage | TableImage;
  /** A bit that is changed in the image before anything starts; `fromEnd` 1 is the last byte. */
  readonly flip?: { readonly fromEnd: number; readonly bit: number };
  /** A bit that the host changes in guest memory between LAUNCH_MEASURE and LAUNCH_FINISH. */
  readonly hostFlip?: { readonly fromEnd: number; readonly bit: number };
  /** What LAUNCH_SECRET puts at the secret area, in hexadecimal; a multiple of 16 bytes. */
  readonly secret?: string;
}

/** An image with everything that an AmdSev build has. */
export interface BuiltImage {
  /** The edk2-stable tag that brought the layout. */
  readonly layout: '202102' | '202402' | '202405';
  /** What the secret block says, in place of what the layout has. */
  readonly secretArea?: { readonly base: NumberText; readonly size: NumberText };
  /** Whether PEI reserves the area. Default: true. */
  readonly reservesArea?: boolean;
  /** Whether DXE publishes it. Default: true. */
  readonly publishesArea?: boolean;
}

/** Zeros with a GUIDed table where it belongs. */
export interface TableImage {
  /** Bytes. */
  readonly size: number;
  /** In file order: low address first. */
  readonly entries: readonly {
    readonly guid: string;
    /** Hexadecimal. */
    readonly data: string;
    /** What the entry says; default: the right length. */
    readonly length?: number;
  }[];
  /** What the footer says; default: the right length. */
  readonly footerLength?: number;
}

export interface FirmwareThen {
  /** `inspect`: entries that can be found, from the end of the image on; data in hexadecimal. */
  readonly entries?: readonly { readonly guid: string; readonly data: string }[];
  /** `inspect`: what the secret block says. */
  readonly secretArea?: { readonly base: string; readonly size: string } | 'none';
  /** `boot`: whether a kernel would start. */
  readonly outcome?: 'handover' | 'stopped';
  /** `boot`: what the configuration table's entry points to. */
  readonly location?: { readonly base: string; readonly size: string } | 'none';
  /** `boot`: the memory map's entry around the page that the layout has for secrets. */
  readonly page?: { readonly type: string; readonly alone: boolean };
  /** `boot`: what the guest reads at the area after the hand-over, as many bytes as `given.secret` has. */
  readonly secret?: string;
}

// The Linux kernel and its efi_secret driver.

export interface KernelCase extends CaseHead {
  readonly room: 'kernel';
  readonly given: KernelGiven;
  /** One line each, such as `rm GUID`, after the probe. */
  readonly when: readonly string[];
  readonly then: KernelThen;
}

export interface KernelGiven {
  /** `zeros`: nothing was injected. */
  readonly area: SecretArea | 'zeros';
  /** Where the area lies, as the location says. Default: 3000000h, in reserved memory. */
  readonly base?: NumberText;
  /** Its length, as the location says. Default: 10000h. */
  readonly size?: NumberText;
  /** Default: 6.1. */
  readonly linux?: string;
}

/** The bytes at the start of the area, zeros behind them. */
export interface SecretArea {
  readonly entries: readonly SecretAreaEntry[];
  /** How many entries follow with made-up names: 00000001-0000-4000-8000-000000000000 and so on, data `0`, `1`, … */
  readonly numbered?: number;
  /** The length in the header. Default: the right one. */
  readonly headerLength?: NumberText;
  /** The GUID of the header. Default: the right one. */
  readonly headerGuid?: string;
}

export interface SecretAreaEntry {
  readonly guid: string;
  /** Hexadecimal. */
  readonly data: string;
  /** What the entry says; default: the right length. */
  readonly length?: NumberText;
}

export interface KernelThen {
  /** What binding the driver answers; null when it succeeds. */
  readonly errno: string | null;
  /** The driver's own lines and the driver core's, in order and with their levels; without debug messages. */
  readonly dmesg?: readonly string[];
  /** Files below secrets/coco before any operation, by name; null: the directory is not there. */
  readonly files?: readonly { readonly name: string; readonly data: string }[] | null;
  readonly fileCount?: number;
  /** What each operation answers; null when it succeeds. */
  readonly operations?: readonly (string | null)[];
  /** The bytes at the start of the area when all is done, in hexadecimal; compared as far as they go. */
  readonly areaAfter?: string;
}
