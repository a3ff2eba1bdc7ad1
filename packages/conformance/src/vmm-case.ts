import type { ErrnoName } from '@sevlab/guest-kernel-sim/errno';
import type { CaseHead, OfferedKernel, TableImage } from './case.ts';

/** A case of the VMM, as a client of its QMP socket and the kernel below it see it. */
export interface VmmCase extends CaseHead {
  readonly room: 'vmm';
  readonly given: VmmGiven;
  /** What a client sends, each when the one before has been answered: a message, or text as it is. */
  readonly when: readonly (string | JsonRecord)[];
  readonly then: VmmThen;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonRecord;
export interface JsonRecord {
  readonly [name: string]: Json;
}

/** A QEMU that is started with -S, 64 MiB of memory and a sev-guest with the policy 1, unless this says otherwise. */
export interface VmmGiven {
  /** Whose answers these are. Default: 7.2. */
  readonly qemu?: '7.2' | '10.0';
  /** Properties of the sev-guest. Default: cbitpos=0, reduced-phys-bits=1, policy=1. `none`: no SEV, and no KVM. */
  readonly sev?: Readonly<Record<string, string | number>> | 'none';
  /** Flash unit 0. Default: 8 KiB that announce secrets at 80c000h, hashes at 80cc00h, a reset vector at 80b004h. */
  readonly firmware?: TableImage;
  /** -kernel and -initrd as in OfferedKernel, and -append: without a NUL. */
  readonly kernel?: OfferedKernel;
  /** Text of files that properties of the sev-guest name. */
  readonly files?: Readonly<Record<string, string>>;
  /** -smp */
  readonly vcpus?: number;
  /** `no`: without -S. */
  readonly paused?: 'no';
  /** Options of -machine behind the others. */
  readonly machine?: string;
  /** What the kernel answers where that is no success. */
  readonly host?: readonly HostAnswer[];
  /** `no`: qmp_capabilities was not sent yet. */
  readonly negotiated?: 'no';
}

/** Every time that it is asked; a call that asks for a length is answered first. */
export interface HostAnswer {
  readonly call: HostCallName;
  readonly errno: ErrnoName;
  /** The AMD-SP's status. Default: 0. */
  readonly status?: number;
}

/** What a VMM asks of KVM and of /dev/sev for a guest, by the names of their headers. */
export const HOST_CALLS = [
  'SEV_PLATFORM_STATUS',
  'KVM_SEV_INIT',
  'KVM_SEV_ES_INIT',
  'KVM_SEV_LAUNCH_START',
  'KVM_SEV_LAUNCH_UPDATE_DATA',
  'KVM_SEV_LAUNCH_UPDATE_VMSA',
  'KVM_SEV_LAUNCH_MEASURE',
  'KVM_SEV_LAUNCH_SECRET',
  'KVM_SEV_LAUNCH_FINISH',
  'KVM_SEV_GET_ATTESTATION_REPORT',
  'SEV_PDH_CERT_EXPORT',
  'SEV_GET_ID2',
] as const;
export type HostCallName = (typeof HOST_CALLS)[number];

export interface VmmThen {
  /**
   * What the client is sent, in order, as far as it is named; the greeting and the answer to the first qmp_capabilities
   * are not among it when `given` has them behind it.
   */
  readonly replies?: readonly VmmReply[];
  /** The same byte for byte, without line ends. */
  readonly lines?: readonly string[];
  /** What the kernel was asked, in order, as far as it is named. */
  readonly calls?: readonly HostCall[];
  /** How the process ended; null: it runs. */
  readonly ended?: VmmEnd | null;
}

export interface VmmEnd {
  readonly status?: number;
  /** Lines of standard error, without the name of the program. */
  readonly stderr: readonly string[];
}

/** One message of the VMM. */
export interface VmmReply {
  readonly return?: Json;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly id?: Json;
  readonly event?: string;
  readonly data?: Json;
  readonly QMP?: Json;
}

export interface HostCall {
  readonly call: HostCallName;
  /** Hexadecimal. */
  readonly gpa?: string;
  /** Bytes: of data, of a packet's data, or of the room for an answer. */
  readonly length?: number;
  /** Of the packet's header. */
  readonly headerLength?: number;
  /** Of what is measured. */
  readonly sha256?: string;
  readonly policy?: number;
  readonly handle?: number;
  /** The certificate and the session, in hexadecimal. */
  readonly dhCert?: string;
  readonly session?: string;
  /** MNONCE of a report, in hexadecimal. */
  readonly mnonce?: string;
}
