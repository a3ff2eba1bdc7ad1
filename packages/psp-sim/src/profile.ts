import type { SevStatus } from '@sevlab/codec/sev/status';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';

/**
 * Where firmware versions, and documents, differ: every such difference is decided by a field of this record and
 * nowhere else. The comments name the difference; differences.ts tells what each side does.
 */
export interface FirmwareProfile {
  readonly version: FirmwareVersion;
  /** D-1: what a launch without a session has for TEK and TIK, or that there is none. */
  readonly sessionless: 'zeroKeys' | 'randomKeys' | 'refuse';
  /** D-2: whether a launch without a session has its policy's reserved bits and version checked. */
  readonly sessionlessPolicyChecked: boolean;
  /** D-3: longest LAUNCH_SECRET packet, in bytes. Firmware 1.55 takes 20,480; KVM and the specification 16,384. */
  readonly secretMax: number;
  /** D-5: whether HDR_LEN must be exactly the header's size, or may be more. */
  readonly headerLengthExact: boolean;
  /** D-6: whether reserved fields of command buffers must be zero in every command. */
  readonly strictReserved: boolean;
  /** D-8: whether LAUNCH_UPDATE_VMSA tests its length before anything else. */
  readonly vmsaLengthFirst: boolean;
  /** D-9: whether LAUNCH_MEASURE to a bad address spoils the running digest. */
  readonly measureSpoilsDigest: boolean;
  /** D-10: whether a refused LAUNCH_UPDATE_VMSA has already extended the digest. */
  readonly refusedVmsaIsMeasured: boolean;
  /** D-11: whether DF_FLUSH is taken in UNINIT. */
  readonly dfFlushInUninit: boolean;
  /** D-12: whether a core complex counts as flushed when one of its cores executed WBINVD. */
  readonly dfFlushByComplex: boolean;
  /** D-13: whether INIT always makes a new PDH. */
  readonly initRenewsPdh: boolean;
  /** D-14: whether SHUTDOWN is taken in UNINIT. */
  readonly shutdownInUninit: boolean;
  /** D-15: whether PEK_CSR is taken in WORKING. */
  readonly pekCsrInWorking: boolean;
  /** D-17: context byte of the MAC of SEND_UPDATE_VMSA and RECEIVE_UPDATE_VMSA. */
  readonly vmsaContext: 2 | 3;
  /** D-19: whether LAUNCH_MEASURE writes the length on success. */
  readonly measureLenWritten: boolean;
  /** D-30: whether a guest owner's key may be of algorithm ECDH-SHA384. */
  readonly ecdhSha384: boolean;
  /** D-33: what an address without DRAM behind it is. */
  readonly noDram: SevStatus;
  /** D-34: what DBG_DECRYPT and DBG_ENCRYPT answer to a length of 0. */
  readonly debugLengthZero: SevStatus;
  /** D-35: whether command buffers are copied with the tail padding of a C structure. */
  readonly copiesPadding: boolean;
  /** D-36: whether the address registers hold other things after a command. */
  readonly clobbersAddress: boolean;
  /** D-37: whether the ASID of a guest that never ran is clean after DEACTIVATE. */
  readonly pendingLeavesClean: boolean;
  /** D-40: whether a VMSA must lie on a page boundary. */
  readonly vmsaPageAligned: boolean;
  /** D-42: whether of two signatures by the same kind of key the last decides, or any. */
  readonly lastSignatureDecides: boolean;
  /** Whether a public key must be a point of P-384. Firmware up to 0.17.11 did not look (CVE-2019-9836). */
  readonly curveCheck: boolean;
}

const genoa155 = {
  version: { apiMajor: 1, apiMinor: 55, build: 25 },
  sessionless: 'zeroKeys',
  sessionlessPolicyChecked: false,
  secretMax: 16_384, // not its own 20,480: KVM lets no more pass, so nobody ever saw more succeed
  headerLengthExact: true,
  strictReserved: false,
  vmsaLengthFirst: true,
  measureSpoilsDigest: true,
  refusedVmsaIsMeasured: true,
  dfFlushInUninit: true,
  dfFlushByComplex: true,
  initRenewsPdh: false,
  shutdownInUninit: true,
  pekCsrInWorking: true,
  vmsaContext: 2,
  measureLenWritten: false,
  ecdhSha384: false,
  noDram: 'INVALID_CONFIG',
  debugLengthZero: 'INVALID_PARAM',
  copiesPadding: true,
  clobbersAddress: true,
  pendingLeavesClean: true,
  vmsaPageAligned: false,
  lastSignatureDecides: true,
  curveCheck: true,
} as const satisfies FirmwareProfile;

/** Versions to choose from. API 0.16 is the last one before 0.17, see `bindsLaunch`. */
export const PROFILES = {
  'genoa-1.55': genoa155,
  /** Before a packet was bound to its launch: an old packet opens again in a new launch. */
  'api-0.16': { ...genoa155, version: { apiMajor: 0, apiMinor: 16, build: 12 } },
  /** An older interface with the MACs of today. Its BUILD is our choice. */
  'api-0.22': { ...genoa155, version: { apiMajor: 0, apiMinor: 22, build: 1 } },
  /** Our reading of the published specification, where firmware 1.55 does otherwise. No hardware is known to be so. */
  spec: {
    ...genoa155,
    sessionlessPolicyChecked: true,
    headerLengthExact: false,
    strictReserved: true,
    vmsaLengthFirst: false,
    measureSpoilsDigest: false,
    refusedVmsaIsMeasured: false,
    dfFlushInUninit: false,
    dfFlushByComplex: false,
    initRenewsPdh: true,
    shutdownInUninit: false,
    pekCsrInWorking: false,
    vmsaContext: 3,
    measureLenWritten: true,
    ecdhSha384: true,
    noDram: 'INVALID_ADDRESS',
    debugLengthZero: 'INVALID_LENGTH',
    copiesPadding: false,
    clobbersAddress: false,
    pendingLeavesClean: false,
    vmsaPageAligned: true,
    lastSignatureDecides: false,
  },
} as const satisfies Record<string, FirmwareProfile>;

export type ProfileName = keyof typeof PROFILES;
