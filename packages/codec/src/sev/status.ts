/**
 * Status codes of the SEV firmware API (55766, Status Codes; numbers as AMD's sev-tool and virtee/sev use them).
 * 0x19 and above belong to SNP, the ring buffer and firmware updates, none of which is here.
 */
export const SEV_STATUS = {
  SUCCESS: { code: 0x00, sentence: 'The command completed.' },
  INVALID_PLATFORM_STATE: { code: 0x01, sentence: 'The platform state does not allow this command.' },
  INVALID_GUEST_STATE: { code: 0x02, sentence: 'The guest state does not allow this command.' },
  INVALID_CONFIG: { code: 0x03, sentence: 'The platform configuration or a reserved field is invalid.' },
  INVALID_LENGTH: {
    code: 0x04,
    sentence: 'A buffer has the wrong length; some commands then report the needed one.',
  },
  ALREADY_OWNED: { code: 0x05, sentence: 'The platform is already owned.' },
  INVALID_CERTIFICATE: { code: 0x06, sentence: 'A certificate is malformed or not usable here.' },
  POLICY_FAILURE: { code: 0x07, sentence: 'The guest policy forbids this.' },
  INACTIVE: { code: 0x08, sentence: 'The guest has no ASID.' },
  INVALID_ADDRESS: { code: 0x09, sentence: 'An address is misaligned or not usable.' },
  BAD_SIGNATURE: { code: 0x0a, sentence: 'A signature does not verify.' },
  BAD_MEASUREMENT: { code: 0x0b, sentence: 'A message authentication code does not match.' },
  ASID_OWNED: { code: 0x0c, sentence: 'The ASID belongs to another guest.' },
  INVALID_ASID: { code: 0x0d, sentence: 'The ASID is out of range for this guest.' },
  WBINVD_REQUIRED: { code: 0x0e, sentence: 'Every core must execute WBINVD first.' },
  DF_FLUSH_REQUIRED: { code: 0x0f, sentence: 'DF_FLUSH must run before this ASID is used again.' },
  INVALID_GUEST: { code: 0x10, sentence: 'The handle names no guest.' },
  INVALID_COMMAND: { code: 0x11, sentence: 'There is no such command.' },
  ACTIVE: { code: 0x12, sentence: 'The guest already has an ASID.' },
  HWERROR_PLATFORM: {
    code: 0x13,
    sentence: 'A hardware condition made the command fail; the platform is intact.',
  },
  HWERROR_UNSAFE: { code: 0x14, sentence: 'A hardware condition left the platform unsafe.' },
  UNSUPPORTED: { code: 0x15, sentence: 'The feature is not supported.' },
  INVALID_PARAM: { code: 0x16, sentence: 'A parameter is invalid.' },
  RESOURCE_LIMIT: { code: 0x17, sentence: 'A resource of the AMD-SP is exhausted.' },
  SECURE_DATA_INVALID: { code: 0x18, sentence: 'The stored platform state fails its integrity check.' },
} as const;

export type SevStatus = keyof typeof SEV_STATUS;

/** The number that the AMD-SP reports, 16 bits. */
export const statusCode = (status: SevStatus): number => SEV_STATUS[status].code;

/** The name of a reported number, or undefined for one that legacy SEV does not have. */
export function statusFromCode(code: number): SevStatus | undefined {
  const names = Object.keys(SEV_STATUS) as SevStatus[]; // keys of a literal record are its names
  return names.find((name) => SEV_STATUS[name].code === code);
}
