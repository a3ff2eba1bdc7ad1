import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';

/** Where firmware versions, and documents, differ. */
export interface FirmwareProfile {
  readonly version: FirmwareVersion;
  /**
   * Longest LAUNCH_SECRET packet, in bytes. VERSION: firmware 1.55 accepts 20,480, the specification and KVM
   * 16,384, which is the default here.
   */
  readonly secretMax: number;
}

/** Versions to choose from. API 0.16 is the last one before 0.17, see `bindsLaunch`. */
export const PROFILES = {
  'genoa-1.55': { version: { apiMajor: 1, apiMinor: 55, build: 25 }, secretMax: 16_384 },
  /** Before a packet was bound to its launch: an old packet opens again in a new launch. */
  'api-0.16': { version: { apiMajor: 0, apiMinor: 16, build: 12 }, secretMax: 16_384 },
} as const satisfies Record<string, FirmwareProfile>;

export type ProfileName = keyof typeof PROFILES;
