import { SEV_STATUS, type SevStatus } from '@sevlab/codec/sev/status';

export interface Explanation {
  readonly status: SevStatus;
  readonly code: number;
  readonly sentence: string;
  /** Likely causes on the way from INIT to LAUNCH_FINISH, the most likely first; none for a status that does not come up there. */
  readonly causes: readonly string[];
}

/** As firmware answers (firmware behaviour (Genoa 1.55)). */
const CAUSES: Readonly<Partial<Record<SevStatus, readonly string[]>>> = {
  INVALID_PLATFORM_STATE: [
    'INIT was not issued, or SHUTDOWN came after it.',
    'INIT was issued twice.',
    'There is no guest yet: ACTIVATE and the launch commands after LAUNCH_START need state WORKING.',
  ],
  INVALID_GUEST_STATE: [
    'LAUNCH_SECRET came before LAUNCH_MEASURE or after LAUNCH_FINISH: it needs state LSECRET.',
    'LAUNCH_UPDATE_DATA or LAUNCH_MEASURE came after LAUNCH_MEASURE: they need state LUPDATE.',
    'LAUNCH_FINISH came before LAUNCH_MEASURE, or twice.',
  ],
  INVALID_CONFIG: [
    'An address lies outside DRAM, for example in a hole of the memory map.',
    'INIT had a reserved field or an unknown flag that is not zero.',
  ],
  INVALID_LENGTH: [
    'LAUNCH_SECRET: the data is not padded to a multiple of 16 bytes, is empty or too long.',
    'LAUNCH_SECRET: GUEST_LEN and TRANS_LEN differ, or HDR_LEN is not 0x34.',
    'LAUNCH_START: the session has not 0x80 bytes, or the certificate not 0x824.',
    'LAUNCH_MEASURE or PDH_CERT_EXPORT: the buffer is too small; the length that is needed was written back.',
  ],
  INVALID_CERTIFICATE: [
    "The guest owner's certificate in LAUNCH_START is no ECDH-SHA256 key on P-384 with usage PDH.",
    'The point is not on the curve, as when the bytes of a coordinate are in the wrong order.',
  ],
  POLICY_FAILURE: [
    'The policy asks for a newer firmware API than this one.',
    'Policy bits 15:6 are not zero.',
    'LAUNCH_START asks to share a key, and the policies differ or NOKS is set.',
  ],
  INACTIVE: ['ACTIVATE was not issued for this guest, or DEACTIVATE came after it.'],
  INVALID_ADDRESS: [
    'GUEST_PADDR or PADDR is not 16-byte aligned.',
    'An address is above the highest that the firmware accepts, or in memory that it protects.',
  ],
  BAD_MEASUREMENT: [
    'LAUNCH_SECRET: header or data changed on the way, or were sealed with other keys.',
    'LAUNCH_SECRET: the packet was sealed for another launch, whose MEASURE differs.',
    'LAUNCH_START: the policy is not the one of the session, so POLICY_MAC does not match.',
    'LAUNCH_START: the session was wrapped for another PDH, for example one from before PDH_GEN.',
  ],
  ASID_OWNED: ['Another guest has this ASID; DEACTIVATE that guest first, or choose another ASID.'],
  INVALID_ASID: [
    'The ASID is 0 or above the maximum.',
    'The ASID is in the range for SEV-ES guests, and this guest has no SEV-ES.',
  ],
  WBINVD_REQUIRED: ['DF_FLUSH came before every core executed WBINVD.'],
  DF_FLUSH_REQUIRED: [
    'The ASID is dirty: after INIT, or after a guest that ran on it. Execute WBINVD on every core, then DF_FLUSH.',
  ],
  INVALID_GUEST: ['The handle is 0, was never given out, or the guest was removed by DECOMMISSION.'],
  INVALID_COMMAND: ['The command number is not one of the specification.'],
  ACTIVE: ['The guest already has an ASID: ACTIVATE came twice, or DECOMMISSION came before DEACTIVATE.'],
  UNSUPPORTED: [
    'The policy or INIT asks for SEV-ES, which the platform does not offer.',
    'The packet of LAUNCH_SECRET has the flag COMPRESSED.',
  ],
  RESOURCE_LIMIT: ['All 1024 handles are taken.'],
};

/** A status in words. */
export const explainStatus = (status: SevStatus): Explanation => ({
  status,
  code: SEV_STATUS[status].code,
  sentence: SEV_STATUS[status].sentence,
  causes: CAUSES[status] ?? [],
});
