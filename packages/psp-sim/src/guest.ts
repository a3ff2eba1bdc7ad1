import { createHash, type Hash } from 'node:crypto';

/** States of a guest, with the numbers that GUEST_STATUS reports (55766, Guest State Machine). */
export const GUEST_STATE = {
  UNINIT: 0,
  LUPDATE: 1,
  LSECRET: 2,
  RUNNING: 3,
  SUPDATE: 4,
  RUPDATE: 5,
  SENT: 6,
} as const;
export type GuestState = keyof typeof GUEST_STATE;

/** Guests at most; handles are 1 to this (firmware behaviour (Genoa 1.55)). */
export const MAX_GUESTS = 1024;

/** The trusted channel to a guest owner, 16 bytes each. All zero when LAUNCH_START had no session. */
export interface Channel {
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
}

/** What the AMD-SP keeps of a guest. Plain data but for the running hash, which a fork copies. */
export interface Guest {
  state: GuestState;
  readonly policy: number;
  /** 32 bytes from which the memory key is derived; guests that share a key share it. */
  readonly vekSeed: Uint8Array;
  /** 0 without an ASID. */
  asid: number;
  /** `pending`: the key is installed but VMRUN is refused until LAUNCH_FINISH. */
  activation: 'inactive' | 'pending' | 'active';
  channel: Channel;
  /** SHA-256 over everything that was measured so far. */
  runningDigest: Hash;
  /** 32 bytes, after LAUNCH_MEASURE. */
  launchDigest: Uint8Array | undefined;
  /** MEASURE, 32 bytes: LAUNCH_SECRET packets are bound to it. */
  measure: Uint8Array | undefined;
  /** Numbers of the checksum cells that its VMSAs have; SEV-ES only. */
  readonly vmsaCells: number[];
}

/** The channel of a guest without a session, and of every guest after LAUNCH_FINISH (firmware behaviour (Genoa 1.55)). */
export const ZERO_CHANNEL: Channel = { tek: new Uint8Array(16), tik: new Uint8Array(16) };

/** A guest as LAUNCH_START leaves it: in LUPDATE, without an ASID, nothing measured. */
export const createGuest = (policy: number, vekSeed: Uint8Array, channel: Channel): Guest => ({
  state: 'LUPDATE',
  policy,
  vekSeed,
  asid: 0,
  activation: 'inactive',
  channel,
  runningDigest: createHash('sha256'),
  launchDigest: undefined,
  measure: undefined,
  vmsaCells: [],
});

/** The same guest, measured on its own from here on. Byte fields are shared: nobody changes them in place. */
export const forkGuest = (guest: Guest): Guest => ({
  ...guest,
  runningDigest: guest.runningDigest.copy(),
  vmsaCells: [...guest.vmsaCells],
});
