import { type Entropy, type EntropyState, entropyFrom } from '@sevlab/ambient/entropy';
import type { Spa } from '@sevlab/codec/address';
import type { SevStatus } from '@sevlab/codec/sev/status';
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
  /** Whether INIT enabled SEV-ES. */
  es: boolean;
  /** Trusted memory region for SEV-ES: usable from the first successful DF_FLUSH on. */
  tmr: { readonly paddr: Spa; enabled: boolean } | undefined;
  /** Where INIT_EX keeps the identity in system memory; undefined: in the flash. */
  nvPaddr: Spa | undefined;
  /** VMSA checksum cells in use, of VMSA_POOL_SIZE. */
  vmsaCells: number;
  /** The identity in use, from INIT to SHUTDOWN. */
  identity: PlatformIdentity | undefined;
  /** The identity in the flash: survives SHUTDOWN. */
  stored: PlatformIdentity | undefined;
  readonly guests: Map<number, Guest>;
  /** By ASID; element 0 is the host's. */
  asids: AsidState[];
  /** For ASIDs that are dirty: the core complexes on which they are clean already. None for others. */
  cleanOn: Map<number, ReadonlySet<number>>;
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
    if (this.state.identity === undefined)
      throw new Error('a row let a command pass before INIT took the identity');
    return this.state.identity;
  }

  /** What the AMD-SP answers about a range that it should read or write. */
  reachable(address: Spa, length: number): SevStatus {
    if (!isUsable(this, address, length)) return 'INVALID_ADDRESS';
    return isDram(this.part, address, length) ? 'SUCCESS' : this.state.profile.noDram;
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
      {
        ...state,
        entropy: { ...state.entropy },
        tmr: state.tmr && { ...state.tmr },
        guests,
        asids: [...state.asids],
        cleanOn: new Map(state.cleanOn),
      },
      hardware,
    );
  }
}

/** What an AMD-SP is made of. */
export interface SecureProcessorOptions {
  readonly profile: FirmwareProfile;
  readonly entropy: Entropy;
  readonly hardware: SecureProcessorHardware;
  /** The fuses of a chip that exists already, 32 bytes; drawn when left out. */
  readonly cuk?: Uint8Array;
}

/** A chip as it comes out of the box, or one that exists already; its flash is empty. */
export function createSecureProcessor({
  profile,
  entropy,
  hardware,
  cuk = entropy.bytes(32),
}: SecureProcessorOptions): SecureProcessor {
  const state: SecureProcessorState = {
    profile,
    entropy: entropy.state,
    cuk,
    platform: 'UNINIT',
    es: false,
    tmr: undefined,
    nvPaddr: undefined,
    vmsaCells: 0,
    identity: undefined,
    stored: undefined,
    guests: new Map(),
    cleanOn: new Map(),
    asids: allAsids('dirty', PARTS[hardware.part].maxAsid),
  };
  return new SecureProcessor(state, hardware);
}

/** One state for each ASID from 0, the host's, to `maxAsid`. */
export const allAsids = (state: AsidState, maxAsid: number): AsidState[] =>
  Array.from({ length: maxAsid + 1 }, () => state);
