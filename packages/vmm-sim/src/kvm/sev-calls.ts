import type { Gpa } from '@sevlab/codec/address';
import type { CommandName } from '@sevlab/codec/sev/command';

/** Errno values that KVM and the driver of the AMD-SP answer with (include/uapi/asm-generic/errno-base.h). */
export const ERRNO = { EIO: 5, ENOMEM: 12, EBUSY: 16, EINVAL: 22, ENOTTY: 25 } as const;

/** What an ioctl came to. */
export interface KvmAnswer {
  /** 0, or an errno below 0. */
  readonly ret: number;
  /** The AMD-SP's status where it was asked, otherwise 0. */
  readonly fwError: number;
  /** The command that it refused: more than user space is told. */
  readonly command?: CommandName;
}

/** A blob that the caller did not know the length of: with too little room only the length is told. */
export interface KvmBlob extends KvmAnswer {
  readonly length: number;
  readonly bytes: Uint8Array;
}

export interface LaunchStart {
  readonly handle: number;
  readonly policy: number;
  /** Absent: not passed on. */
  readonly dhCert?: Uint8Array;
  readonly session?: Uint8Array;
}

export interface LaunchSecret {
  readonly header: Uint8Array;
  readonly gpa: Gpa;
  readonly secret: Uint8Array;
}

/**
 * What QEMU asks of KVM and of /dev/sev for one guest (Linux, arch/x86/kvm/svm/sev.c; drivers/crypto/ccp/sev-dev.c).
 * The ioctl is named by each.
 */
export interface SevCalls {
  /** KVM_MEMORY_ENCRYPT_OP without an argument: whether KVM knows SEV. */
  readonly available: boolean;
  /** The position of the C-bit on this host, from CPUID 8000_001Fh. */
  readonly cbitpos: number;
  /** SEV_PLATFORM_STATUS. */
  platformStatus(): KvmAnswer & {
    readonly apiMajor: number;
    readonly apiMinor: number;
    readonly build: number;
  };
  /** SEV_PDH_CERT_EXPORT: PDH, and PEK, OCA and CEK behind one another. */
  pdhCertExport(): KvmAnswer & { readonly pdh: Uint8Array; readonly certChain: Uint8Array };
  /** SEV_GET_ID2: the unique number of the first socket, 64 bytes. */
  getId(): KvmAnswer & { readonly id: Uint8Array };
  /** KVM_SEV_INIT, or KVM_SEV_ES_INIT. */
  init(es: boolean): KvmAnswer;
  /** KVM_SEV_LAUNCH_START. */
  launchStart(start: LaunchStart): KvmAnswer & { readonly handle: number };
  /** KVM_SEV_LAUNCH_UPDATE_DATA of what lies in guest memory. */
  launchUpdateData(gpa: Gpa, length: number): KvmAnswer;
  /** KVM_SEV_LAUNCH_UPDATE_VMSA, all vCPUs at once. */
  launchUpdateVmsa(): KvmAnswer;
  /** KVM_SEV_LAUNCH_MEASURE into so many bytes; 0 asks for the length. */
  launchMeasure(room: number): KvmBlob;
  /** KVM_SEV_LAUNCH_SECRET. */
  launchSecret(secret: LaunchSecret): KvmAnswer;
  /** KVM_SEV_LAUNCH_FINISH. */
  launchFinish(): KvmAnswer;
  /** KVM_SEV_GET_ATTESTATION_REPORT into so many bytes; 0 asks for the length. */
  attestationReport(mnonce: Uint8Array, room: number): KvmBlob;
}
