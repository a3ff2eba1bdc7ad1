import type { CaseHead, OfferedKernel, TableImage } from './case.ts';

/**
 * What becomes of a question, and the exit status of virt-qemu-sev-validate for it. `accepted`: it is what the tenant
 * wants; 0. `refused`: it is something else; 1. `unusable`: what the tenant says itself cannot be; 2.
 */
export const VERDICTS = ['accepted', 'refused', 'unusable'] as const;
export type VerdictName = (typeof VERDICTS)[number];

export type TenantCase = MeasurementCase | PacketCase | SessionCase | ChainCase;

interface TenantHead extends CaseHead {
  readonly room: 'tenant';
  readonly then: TenantThen;
}

export interface TenantThen {
  readonly verdict: VerdictName;
  /** `packet`: whether the AMD-SP takes it: its MAC, and the lengths. */
  readonly taken?: boolean;
  /** `packet`: what Linux finds in it, in that order. */
  readonly secrets?: readonly GivenSecret[];
}

/** Whether a measurement is that of a launch. */
export interface MeasurementCase extends TenantHead {
  readonly when: 'measurement';
  readonly given: ExpectedLaunch;
}

/** Whether a measurement is that of a launch, and then a packet for it. */
export interface PacketCase extends TenantHead {
  readonly when: 'packet';
  readonly given: ExpectedLaunch & { readonly secrets: readonly GivenSecret[] };
}

/** Bytes in hexadecimal. */
export interface GivenSecret {
  readonly guid: string;
  readonly data: string;
}

/** What the tenant believes, and what the host says. Bytes are hexadecimal. */
export interface ExpectedLaunch {
  /** Default: 16 bytes of 4bh. */
  readonly tik?: string;
  /** Default: 16 bytes of 45h. */
  readonly tek?: string;
  /** API major, API minor, build. Default: 1, 55, 21. */
  readonly version?: readonly [number, number, number];
  /** Default: 1. */
  readonly policy?: number;
  /** The launch digest itself. */
  readonly digest?: string;
  /** In its place: what is started. Default: that of a VmmGiven. */
  readonly firmware?: TableImage;
  readonly kernel?: OfferedKernel;
  /** With SEV-ES; the VMSAs are those of KVM_SEV_ES_INIT. */
  readonly vcpus?: {
    readonly count: number;
    readonly family: number;
    readonly model: number;
    readonly stepping: number;
  };
  /** What the host says was measured: MEASURE, then MNONCE. */
  readonly measurement: string;
}

/** Whether LAUNCH_START will take a session, as far as its owner can tell. */
export interface SessionCase extends TenantHead {
  readonly when: 'session';
  readonly given: { readonly tik: string; readonly policy: number; readonly session: string };
}

/** Whether a platform's key is one of a platform under the trusted root: the ARK of `platform.json`. */
export interface ChainCase extends TenantHead {
  readonly when: 'chain';
  readonly given: {
    /** Bytes that are put into certificates of `platform.json`, and certificates that are cut. */
    readonly change?: readonly {
      readonly certificate: ChainName;
      readonly at?: number;
      readonly bytes?: string;
      /** How many bytes are left of it. */
      readonly length?: number;
    }[];
    /** Certificates in the place of those of `platform.json`, Base64. */
    readonly replace?: Readonly<Partial<Record<ChainName, string>>>;
  };
}
export const CHAIN_NAMES = ['PDH', 'PEK', 'OCA', 'CEK', 'ASK', 'ARK'] as const;
export type ChainName = (typeof CHAIN_NAMES)[number];
