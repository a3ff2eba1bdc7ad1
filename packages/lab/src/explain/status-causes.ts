import type { SevStatus } from '@sevlab/codec/sev/status';

/** Why the AMD-SP may have said so, and where to look. */
export const STATUS_CAUSES: Readonly<Record<SevStatus, string | undefined>> = {
  SUCCESS: undefined,
  INVALID_PLATFORM_STATE:
    'the platform is not initialized, or owned by somebody else; look at what query-sev-capabilities or PLATFORM_STATUS says, and whether the driver of the AMD-SP (ccp) is loaded',
  INVALID_GUEST_STATE: 'the guest is not waiting for secrets: it was not measured yet, or it runs',
  INVALID_CONFIG:
    'a reserved field is not zero, or an address is no DRAM; on a real host look at the memory limits of its firmware',
  INVALID_LENGTH:
    'a length is wrong: the header has 52 bytes, the packet a multiple of 16. Base64 without its padding loses bytes',
  ALREADY_OWNED:
    'a certificate was imported before; PLATFORM_RESET or PEK_GEN makes the platform its own again',
  INVALID_CERTIFICATE:
    'the certificate has another version, usage or algorithm, or its key is no point of the curve; look at whether dh-cert and session are exchanged, and decoded from Base64 once',
  POLICY_FAILURE: 'the policy asks for something that this platform does not offer',
  INACTIVE:
    'ACTIVATE was not done, or DEACTIVATE was: a host that calls the AMD-SP itself has to do it before LAUNCH_UPDATE',
  INVALID_ADDRESS: 'the address is no multiple of 16, or there is no memory',
  BAD_SIGNATURE:
    'the certificate of the guest owner is not signed as the session says; look at the order of dh-cert and session',
  BAD_MEASUREMENT:
    'a MAC does not fit. The packet was sealed with another TIK, for another measurement of this guest (look at what ' +
    'query-sev-launch-measure says now), or it was changed on the way; of a session, the policy differs from the one it was made for',
  ASID_OWNED: 'two guests were given one ASID; KVM hands them out, so look for a second program that does',
  INVALID_ASID:
    'the ASID is above what the part has, or of the wrong range: ASIDs of SEV-ES guests lie below those of SEV guests, where the BIOS divides them',
  WBINVD_REQUIRED:
    'WBINVD on every core, then DF_FLUSH again; KVM does so before it gives an ASID a second time',
  DF_FLUSH_REQUIRED: 'the ASID was used by another guest; WBINVD on every core, then DF_FLUSH',
  INVALID_GUEST: 'the handle is of a guest that was decommissioned, or of none; look at handle of query-sev',
  INVALID_COMMAND: 'this firmware is older than the command; look at api-major and api-minor of query-sev',
  ACTIVE: 'DEACTIVATE comes before DECOMMISSION, and before another ACTIVATE',
  HWERROR_PLATFORM: 'look at the log of the kernel for machine checks; the command may be tried again',
  HWERROR_UNSAFE: 'stop using SEV on this host until it was reset',
  UNSUPPORTED: 'the packet says that it is compressed',
  INVALID_PARAM:
    'look at the lengths and addresses of the command; firmware of some versions answers this where others say INVALID_LENGTH or INVALID_CONFIG',
  RESOURCE_LIMIT: 'there are as many guests as this part can have; end one of them',
  SECURE_DATA_INVALID:
    'what the AMD-SP stored in flash, or in the file of INIT_EX, is damaged; PLATFORM_RESET makes it anew, and the identity with it',
};
