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
  readonly steps: readonly Step[];
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
      readonly verifier?: Verifier;
      readonly grub?: Grub;
    };

/** Bytes in one of four spellings. */
export type ByteSource =
  | { readonly text: string }
  | { readonly hex: string }
  | { readonly base64: string }
  | { readonly file: string };

export type SecretSource = { readonly guid: string } & ByteSource;

/** The steps of an honest launch, in their order; then two ways to start over. */
export const HONEST_STEPS = [
  'offer',
  'launch',
  'measure',
  'verify',
  'seal',
  'inject',
  'finish',
  'boot',
  'reset',
  'kexec',
] as const;
export type HonestStep = (typeof HONEST_STEPS)[number];

export type Step =
  | { readonly do: HonestStep; readonly at?: string; readonly expect?: StepExpectation }
  | { readonly shell: string; readonly expect?: { readonly output?: string; readonly status?: number } }
  | { readonly attack: Attack; readonly why?: string }
  | { readonly check: Check; readonly why?: string };

export interface StepExpectation {
  /** What the AMD-SP answers to the command of this step. */
  readonly status?: SevStatus;
  /** Somebody refuses, with these words in the reason. */
  readonly refused?: string;
}

/** What a hostile host does. Addresses are guest-physical; it acts on DRAM's cells, never on plaintext. */
export type Attack =
  | { readonly write: { readonly gpa: string; readonly hex: string } }
  | { readonly flip: { readonly gpa: string; readonly bit: number } }
  | { readonly save: { readonly as: string; readonly gpa: string; readonly length: number } }
  | { readonly restore: { readonly from: string; readonly gpa: string } }
  | { readonly image: { readonly offset: number; readonly hex: string } }
  | { readonly policy: readonly PolicyFlag[] }
  | { readonly measurement: { readonly bit: number } }
  /** Exchanges what fw_cfg has for the firmware. */
  | { readonly fwCfg: { readonly item: BlobName } & ByteSource }
  | { readonly packet: { readonly part: 'header' | 'data'; readonly bit: number } };

/** What must be so. */
export type Check =
  /** Whether DRAM, as the host sees it, holds the bytes anywhere. */
  | { readonly hostFinds: ByteSource & { readonly expect: boolean } }
  /** Whether the disk image holds the bytes anywhere. */
  | { readonly diskHolds: ByteSource & { readonly expect: boolean } }
  /** Private guest memory. */
  | { readonly memory: { readonly gpa: string } & ByteSource }
  | { readonly file: { readonly guid: string } & ByteSource }
  | { readonly dmesg: string };
