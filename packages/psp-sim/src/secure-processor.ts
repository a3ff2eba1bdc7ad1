import { type Entropy, type EntropyState, entropyFrom } from '@sevlab/ambient/entropy';
import type { Spa } from '@sevlab/codec/address';
import type { SecureProcessorHardware, SecureProcessorMemory } from '@sevlab/machine/machine';
import { PARTS, type PartName } from '@sevlab/machine/part';
import { isDram, isUsable } from './address-check.ts';
import { forkGuest, type Guest, MAX_GUESTS } from './guest.ts';
import { deriveCek, type Identity, type PlatformIdentity } from './identity.ts';
import type { FirmwareProfile } from './profile.ts';

/** States of the platform, with the numbers that PLATFORM_STATUS reports (55766, Platform State Machine). */
export const PLATFORM_STATE = { UNINIT: 0, INIT: 1, WORKING: 2 } as const;
export type PlatformState = keyof typeof PLATFORM_STATE;

/** `dirty`: caches may hold lines of a former guest; `allocated`: pending; `inUse`: VMRUN is allowed. */
export type AsidState = 'dirty' | 'clean' | 'allocated' | 'inUse';

/** Everything that the AMD-SP knows, as plain data. */
export interface SecureProcessorState {
  readonly profile: FirmwareProfile;
  readonly entropy: EntropyState;
  /** Chip unique key, fused: 32 bytes. */
  readonly cuk: Uint8Array;
  platform: PlatformState;
  /** In the flash: survives SHUTDOWN. */
  stored: PlatformIdentity | undefined;
  readonly guests: Map<number, Guest>;
  /** By ASID; element 0 is the host's. */
  asids: AsidState[];
}

/** The state, and the hardware that it acts on. */
export class SecureProcessor {
  readonly state: SecureProcessorState;
  readonly hardware: SecureProcessorHardware;
  readonly entropy: Entropy;
  #cek: Identity | undefined;

  constructor(state: SecureProcessorState, hardware: SecureProcessorHardware) {
    this.state = state;
    this.hardware = hardware;
    this.entropy = entropyFrom(state.entropy);
  }

  get memory(): SecureProcessorMemory {
    return this.hardware.memory;
  }

  get part(): PartName {
    return this.hardware.part;
  }

  /** The highest ASID of this part; the lowest for a guest is 1. */
  get maxAsid(): number {
    return PARTS[this.part].maxAsid;
  }

  /** Derived from the fuses, so it needs no place in the state. */
  get cek(): Identity {
    this.#cek ??= deriveCek(this.state.cuk, this.state.profile.version);
    return this.#cek;
  }

  /** Throws before INIT, which a row should have refused. */
  get identity(): PlatformIdentity {
    if (this.state.stored === undefined)
      throw new Error('a row let a command pass before INIT made the identity');
    return this.state.stored;
  }

  /** What the AMD-SP answers about a range that it should read or write. */
  reachable(address: Spa, length: number): 'SUCCESS' | 'INVALID_ADDRESS' | 'INVALID_CONFIG' {
    if (!isUsable(this.part, address, length)) return 'INVALID_ADDRESS';
    return isDram(this.part, address, length) ? 'SUCCESS' : 'INVALID_CONFIG';
  }

  /** Whether a handle is valid. */
  hasGuest(handle: number): boolean {
    return this.state.guests.has(handle);
  }

  /** Throws for a handle that a row should have refused. */
  guest(handle: number): Guest {
    const guest = this.state.guests.get(handle);
    if (guest === undefined) throw new Error(`a row let handle ${handle} pass, and there is no such guest`);
    return guest;
  }

  /** The lowest handle that no guest has, or undefined when all 1,024 are taken. */
  freeHandle(): number | undefined {
    for (let handle = 1; handle <= MAX_GUESTS; handle++) if (!this.hasGuest(handle)) return handle;
    return undefined;
  }

  /** The same past, acting on another machine's hardware from here on. */
  fork(hardware: SecureProcessorHardware): SecureProcessor {
    const { state } = this;
    const guests = new Map([...state.guests].map(([handle, guest]) => [handle, forkGuest(guest)] as const));
    return new SecureProcessor(
      { ...state, entropy: { ...state.entropy }, guests, asids: [...state.asids] },
      hardware,
    );
  }
}

/** What an AMD-SP is made of. */
export interface SecureProcessorOptions {
  readonly profile: FirmwareProfile;
  readonly entropy: Entropy;
  readonly hardware: SecureProcessorHardware;
}

/** A chip as it comes out of the box: its fuses are drawn here, its flash is empty. */
export function createSecureProcessor({
  profile,
  entropy,
  hardware,
}: SecureProcessorOptions): SecureProcessor {
  const state: SecureProcessorState = {
    profile,
    entropy: entropy.state,
    cuk: entropy.bytes(32),
    platform: 'UNINIT',
    stored: undefined,
    guests: new Map(),
    asids: allAsids('dirty', PARTS[hardware.part].maxAsid),
  };
  return new SecureProcessor(state, hardware);
}

/** One state for each ASID from 0, the host's, to `maxAsid`. */
export const allAsids = (state: AsidState, maxAsid: number): AsidState[] =>
  Array.from({ length: maxAsid + 1 }, () => state);
