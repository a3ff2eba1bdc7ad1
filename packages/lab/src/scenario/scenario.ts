import type { CommandName } from '@sevlab/codec/sev/command';
import type { PolicyFlag } from '@sevlab/codec/sev/policy';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { CpuModel, VmsaForm } from '@sevlab/codec/sev/vmsa';
import type { BlobName, Verifier } from '@sevlab/firmware-sim/direct-boot/blob-verifier';
import type { Grub } from '@sevlab/firmware-sim/grub';
import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import type { PartName } from '@sevlab/machine/part';
import type { EncryptionMode } from '@sevlab/machine/xex';
import type { FirmwareProfile, ProfileName } from '@sevlab/psp-sim/profile';

/** A launch written as a file: lesson, test and documentation at once. The JSON Schema is scenario.schema.json. */
export interface Scenario {
  readonly $schema?: string;
  readonly version: 1;
  readonly title: string;
  readonly about?: string;
  readonly lesson?: Lesson;
  readonly seed?: string;
  readonly clock?: { readonly start?: string; readonly perCommand?: string };
  readonly platform?: {
    readonly part?: PartName;
    readonly profile?: ProfileName;
    /** Single differences between firmware and specification, decided otherwise than the profile does. */
    readonly switches?: Partial<Omit<FirmwareProfile, 'version'>>;
    readonly encryption?: EncryptionMode;
  };
  readonly policy?: readonly PolicyFlag[];
  /** The lowest API version that the policy lets the guest run on, such as `1.55`. */
  readonly policyApi?: string;
  readonly firmware?: FirmwareSource;
  /** What the firmware is given to start; without it, a kernel that nobody measured. */
  readonly kernel?: KernelSource;
  /** Whether the host measures the hashes of what it gives, and the owner expects that. Default: false. */
  readonly kernelHashes?: boolean;
  /** With SEV-ES in the policy: what the VMSAs say. */
  readonly vcpus?: { readonly count?: number; readonly form?: VmsaForm } & Partial<CpuModel>;
  /** Such as `512 MiB`. */
  readonly memory?: string;
  readonly linux?: string;
  readonly secrets?: readonly SecretSource[];
  /** A file on an untrusted disk, or more than one, encrypted under the secret of that GUID. */
  readonly disk?: { readonly key: string } & (ByteSource | { readonly files: readonly ByteSource[] });
  /** What a hostile host does whenever it comes to a step. */
  readonly faults?: readonly Fault[];
  /** Fields by name, with dots for fields of fields, and the values that each is tried with. */
  readonly matrix?: Readonly<Record<string, readonly unknown[]>>;
  readonly steps: readonly Step[];
}

/** What a shipped attack or fault is there to show. */
export interface Lesson {
  /** Number in docs/attacks.md. */
  readonly attack?: string;
  /** Where its mechanism is written down. */
  readonly source: string;
  /** Whoever notices, or nobody. */
  readonly caughtBy: string;
  /** What would have caught it, or keeps it from happening. */
  readonly remedy: string;
}

/** An attack in front of a step. It is tried at each such step, unless `on` or `chance` says less. */
export interface Fault {
  readonly name: string;
  readonly at: HonestStep;
  /** Only when the step comes for the nth time, from 1. */
  readonly on?: number;
  /** How likely it is, from 0 to 1; the seed decides. */
  readonly chance?: number;
  readonly attack: Attack;
}

/** A bzImage, or the file that the emulated kernel has in the place of one. */
export type KernelSource = ({ readonly file: string } | { readonly emulated: true }) & {
  /** A file. */
  readonly initrd?: string;
  /** Default: none. */
  readonly commandLine?: string;
};

export type FirmwareSource =
  | { readonly file: string }
  | {
      readonly layout?: LayoutName;
      readonly size?: string;
      readonly reservesArea?: boolean;
      readonly publishesArea?: boolean;
      /** What its secret block says, in the place of the layout's area; `none`: there is no such block. */
      readonly secretArea?: 'none' | { readonly base: string; readonly size: number };
      /** Whether it has a GUIDed table. Default: yes. */
      readonly table?: boolean;
      readonly verifier?: Verifier;
      readonly grub?: Grub;
    };

/** Bytes in one of five spellings. */
export type ByteSource =
  | { readonly text: string }
  | { readonly hex: string }
  | { readonly base64: string }
  | { readonly file: string }
  /** The UTF-8 text of a variable of the environment. */
  | { readonly env: string };

export type SecretSource = { readonly guid: string } & ByteSource;

/** The steps of a launch, in their order, of which boot includes firmware. */
export const LAUNCH_STEPS = [
  'offer',
  'launch',
  'measure',
  'verify',
  'seal',
  'inject',
  'finish',
  'firmware',
  'boot',
] as const;
export type LaunchStep = (typeof LAUNCH_STEPS)[number];

/** What an honest host does: the steps of a launch, then two ways to start over. */
export const HONEST_STEPS = [...LAUNCH_STEPS, 'reset', 'kexec'] as const;
export type HonestStep = (typeof HONEST_STEPS)[number];

export type Step =
  | {
      readonly do: HonestStep;
      readonly at?: string;
      /** Which of the secrets are sealed, by GUID; all unless given. */
      readonly secrets?: readonly string[];
      readonly expect?: StepExpectation;
    }
  | {
      readonly shell: string;
      /** The account that types; root unless given. */
      readonly as?: string;
      readonly expect?: { readonly output?: string; readonly status?: number };
    }
  | { readonly attack: Attack; readonly why?: string; readonly expect?: StepExpectation }
  | { readonly check: Check; readonly why?: string };

export interface StepExpectation {
  /** What the AMD-SP answers to the command of this step. */
  readonly status?: SevStatus;
  /** Somebody refuses, with these words in the reason. */
  readonly refused?: string;
}

/** Bytes that are written down, or kept: a name, and which part of what has it. */
export type KeptBytes =
  | ByteSource
  | { readonly from: string; readonly offset?: number; readonly length?: number };

/** A number, in hexadecimal too; a kept one by its name; an address, of guest memory or of bytes for the AMD-SP. */
export type FieldSource =
  | number
  | string
  | { readonly gpa: string }
  /** Where the host puts kept bytes. A field for their length is filled in, too. */
  | { readonly from: string }
  /** Room of the host's, in bytes, each `fill` before; what is in it after the command is kept. */
  | { readonly room: number; readonly as: string; readonly fill?: number };

/** A launch that is not the agreed one. */
export interface LaunchPlan {
  /** The host leaves the owner's session out. */
  readonly session?: 'none';
  /** What is measured, in that order: `length` bytes of the image from `image` on, put at an address. */
  readonly update?: readonly { readonly image: number; readonly length: number; readonly gpa: string }[];
  /** The VMSAs are measured as if they were data. */
  readonly vmsas?: 'data';
}

/**
 * What a hostile host does. Addresses are guest-physical; it acts on DRAM's cells, never on plaintext. What it learns it
 * keeps under a name (`as`) and uses later (`from`). `keys` names a TEK and a TIK: `zero`, or what was unwrapped.
 */
export type Attack =
  | { readonly write: { readonly gpa: string; readonly hex: string } }
  | { readonly flip: { readonly gpa: string; readonly bit: number } }
  | { readonly save: { readonly as: string; readonly gpa: string; readonly length: number } }
  | { readonly restore: { readonly from: string; readonly gpa: string } }
  | { readonly image: { readonly offset: number; readonly hex: string } }
  | { readonly policy: readonly PolicyFlag[] }
  /** What the owner is shown in the place of the measurement: one bit of it changed, or other bytes. */
  | { readonly measurement: { readonly bit: number } | { readonly from: string } }
  /** Exchanges what fw_cfg has for the firmware. */
  | { readonly fwCfg: { readonly item: BlobName } & ByteSource }
  | { readonly packet: { readonly part: 'header' | 'data'; readonly bit: number } }
  /** Any command to the AMD-SP. Fields that are not given are 0; the integers in its buffer are kept as `NAME.field`. */
  | {
      readonly command: CommandName;
      readonly fields?: Readonly<Record<string, FieldSource>>;
      readonly as?: string;
    }
  /** Another launch than the agreed one, at the next launch step. */
  | { readonly launch: LaunchPlan }
  /** Lets a page lie where another one does. */
  | { readonly remap: { readonly gpa: string; readonly to: string } }
  /** Changes one bit of the boot CPU's encrypted registers. */
  | { readonly vmsa: { readonly bit: number } }
  /** Runs a guest of the host's own under that ASID, on pages of the victim, and keeps what it reads. */
  | {
      readonly run: {
        readonly asid: number;
        readonly gpa: string;
        readonly length: number;
        readonly as: string;
      };
    }
  /** Changes one bit of a certificate that the owner is shown at the next offer. */
  | { readonly certificate: { readonly name: CertificateName; readonly bit: number } }
  /** Somebody who has the chip's endorsement key makes the rest of a platform's keys; the next offer shows those. */
  | { readonly impersonate: { readonly as: string } }
  /** The owner's machine is copied while it is off, or started from that copy: its random numbers repeat. */
  | { readonly owner: 'snapshot' | 'rewind' }
  /** What goes wrong in the guest itself, between firmware and kernel: private bytes are written. */
  | { readonly damage: Damage }
  | { readonly keep: { readonly as: string } & KeptBytes }
  | { readonly xor: { readonly of: readonly [KeptBytes, KeptBytes]; readonly as: string } }
  | { readonly alter: { readonly from: string; readonly bit: number; readonly as: string } }
  /** Makes a Diffie-Hellman key; its certificate, which nobody signed, has that name. */
  | { readonly dhKey: { readonly as: string } }
  /** Takes TEK and TIK out of a session between a key of the host's and the certificate `peer`. */
  | {
      readonly unwrap: {
        readonly session: string;
        readonly peer: string;
        readonly key: string;
        readonly as: string;
      };
    }
  /** The 48 bytes that the owner waits for, without a launch; with MNONCE of another measurement, or zeros. */
  | { readonly forgeMeasurement: { readonly keys: string; readonly mnonceOf?: string; readonly as: string } }
  /** A packet with one secret, for the launch of the newest measurement. */
  | {
      readonly forgePacket: {
        readonly keys: string;
        readonly guid: string;
        readonly as: string;
      } & ByteSource;
    }
  | { readonly decrypt: { readonly keys: string; readonly packet: string; readonly as: string } };

/** Things that the firmware leaves for the kernel; `entry` is that of the configuration table for the area. */
export type DamagedThing = 'efi-info' | 'system-table' | 'entry' | 'location' | 'area' | 'e820';

export interface Damage {
  readonly of: DamagedThing;
  /** Bytes from its start. */
  readonly offset?: number;
  readonly hex: string;
}

export type CertificateName = 'pdh' | 'pek' | 'oca' | 'cek' | 'ask' | 'ark';

/** What must be so. */
export type Check =
  /** Whether DRAM, as the host sees it, holds the bytes anywhere. */
  | { readonly hostFinds: ByteSource & { readonly expect: boolean } }
  /** Whether the disk image holds the bytes anywhere. */
  | { readonly diskHolds: ByteSource & { readonly expect: boolean } }
  /** Private guest memory. */
  | { readonly memory: { readonly gpa: string } & ByteSource }
  | { readonly file: { readonly guid: string } & ByteSource }
  | { readonly dmesg: string }
  /** MEASURE, 32 bytes, and what of MNONCE is given. */
  | { readonly measurement: ByteSource }
  /** What stat(2) tells of a path. */
  | { readonly stat: StatCheck }
  /** The names in a folder, in the order in which the kernel gives them. */
  | { readonly files: { readonly path: string; readonly names: readonly string[] } }
  /** What a system call answers. */
  | { readonly call: CallCheck }
  /** Bytes that are alike, or are not. */
  | { readonly same: readonly [KeptBytes, KeptBytes] }
  | { readonly differs: readonly [KeptBytes, KeptBytes] }
  /** Events of the trace that come in this order, whatever comes between; of each, some of the fields. */
  | { readonly trace: readonly Readonly<Record<string, unknown>>[] };

export interface StatCheck {
  readonly path: string;
  /** Octal, such as `0440`. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly nlink?: number;
}

export interface CallCheck {
  readonly name: CallName;
  readonly path: string;
  /** The account that calls; root unless given. */
  readonly as?: string;
  /** Such as `EACCES`; `none` when it must succeed. */
  readonly errno: string;
}

export const CALLS = [
  'open',
  'readdir',
  'stat',
  'access',
  'unlink',
  'rmdir',
  'mkdir',
  'truncate',
  'chmod',
] as const;
export type CallName = (typeof CALLS)[number];
