/** Guest policy, 32 bits, little endian on the wire (55766, Guest Policy Structure). */
export const POLICY = {
  /** Debugging of the guest is disallowed. */
  NODBG: 1 << 0,
  /** Sharing keys with other guests is disallowed. */
  NOKS: 1 << 1,
  /** SEV-ES is required. */
  ES: 1 << 2,
  /** Sending the guest to another platform is disallowed. */
  NOSEND: 1 << 3,
  /** The guest must not be sent to another platform that is not in the domain. */
  DOMAIN: 1 << 4,
  /** The guest must not be sent to another platform that is not SEV capable. */
  SEV: 1 << 5,
} as const;

export type PolicyFlag = keyof typeof POLICY;

/** Bits 15:6 must be zero. */
export const POLICY_RESERVED_MASK = 0xffc0;

/** Whether a policy of 32 bits has the flag. */
export const hasPolicy = (policy: number, flag: PolicyFlag): boolean => (policy & POLICY[flag]) !== 0;

/** The lowest firmware version the guest may run on. */
export const policyApi = (policy: number): { major: number; minor: number } => ({
  major: (policy >>> 16) & 0xff,
  minor: policy >>> 24,
});

/** The set flags by name, bits that should be zero, and the lowest API, such as `NODBG ES API>=1.55`; else `none`. */
export function describePolicy(policy: number): string {
  const flags = Object.keys(POLICY) as PolicyFlag[]; // keys of a literal record are its names
  const names: string[] = flags.filter((flag) => hasPolicy(policy, flag));
  const { major, minor } = policyApi(policy);
  const reserved = policy & POLICY_RESERVED_MASK;
  if (reserved !== 0) names.push(`reserved:0x${reserved.toString(16)}`);
  if (major !== 0 || minor !== 0) names.push(`API>=${major}.${minor}`);
  return names.join(' ') || 'none';
}
