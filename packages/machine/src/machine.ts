import type { Entropy } from '@sevlab/ambient/entropy';
import type { Observation, Observer } from '@sevlab/ambient/observer';
import { type Gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import type { Disk } from './devices/disk.ts';
import { FwCfg, type FwCfgItems } from './devices/fw-cfg.ts';
import { Mailbox, type MailboxRegisters } from './devices/mailbox.ts';
import {
  forkGuestRam,
  type GuestRam,
  locate,
  mapGuestRam,
  type Place,
  type RegionRequest,
} from './guest-ram.ts';
import { createMemory, MemoryController } from './memory-controller.ts';
import { PARTS, type PartName } from './part.ts';
import { DiskDevice, GuestMemory, HostMemory, SecureProcessorMemory } from './views.ts';
import { encodeChecksum, VMSA_SIZE, vmsaCell, vmsaChecksum } from './vmsa.ts';
import { type EncryptionMode, TWEAK_CONSTANTS_SIZE } from './xex.ts';

export type { GuestMemory, HostMemory, SecureProcessorMemory };

/** Guests' RAM starts above the 32-bit hole. */
const FIRST_GUEST_FRAME = spa(0x1_0000_0000n);

/**
 * System-physical ranges that are DRAM, first byte and end: below the 32-bit hole, and from 4 GiB to 12 GiB below
 * 64 TiB, the highest address that the SEV firmware accepts (firmware behaviour (Genoa 1.55)).
 */
export const DRAM_REGIONS: readonly { readonly start: bigint; readonly end: bigint }[] = [
  { start: 0n, end: 0x8000_0000n },
  { start: 0x1_0000_0000n, end: 0x3ffd_0000_0000n },
];

/** The cores of each core complex, by number. */
export const CORE_COMPLEXES: readonly (readonly number[])[] = [
  [0, 1],
  [2, 3],
];
const CORES = CORE_COMPLEXES.flat();

interface GuestSlot {
  readonly ram: GuestRam;
  /** What the host offers to firmware, by name. The bytes are never written to. */
  readonly fwCfg: FwCfgItems;
  disk: Uint8Array | undefined;
}

/** What the machine knows besides its memory and mailbox, as plain data. */
export interface MachineState {
  readonly part: PartName;
  readonly guests: Map<number, GuestSlot>;
  nextFrame: Spa;
  /** By core: whether it executed WBINVD since the AMD-SP last cleared that. */
  readonly wbinvd: boolean[];
}

/** VMRUN on an ASID that the AMD-SP has not made valid, or with a VMSA that it did not leave so. */
export class VmrunRefused extends Error {
  constructor(asid: number, why = 'is not active; expected a guest after LAUNCH_FINISH') {
    super(`VMRUN refused: ASID ${asid} ${why}`);
    this.name = 'VmrunRefused';
  }
}

/** What software inside a guest can reach. */
export interface GuestContext {
  readonly memory: GuestMemory;
  /** EAX and EBX of a CPUID leaf. */
  cpuid(leaf: number): { eax: number; ebx: number };
  rdmsr(index: number): bigint;
  readonly disk: Disk | undefined;
  readonly fwCfg: FwCfg;
}

/** CPUID leaf that tells of memory encryption (APM volume 3, Fn8000_001F). */
export const CPUID_MEMORY_ENCRYPTION = 0x8000_001f;
/** MSR SEV_STATUS (APM volume 2; Linux: MSR_AMD64_SEV). */
export const MSR_SEV_STATUS = 0xc001_0131;

/** Everything the host's software may do with the machine. There is no policy here: a hostile host has it too. */
export class Host {
  readonly #machine: Machine;
  readonly memory: HostMemory;
  readonly mailbox: MailboxRegisters;

  constructor(machine: Machine, memory: HostMemory) {
    this.#machine = machine;
    this.memory = memory;
    this.mailbox = machine.mailbox;
  }

  /** Takes what the host's software does within itself, for the trace. */
  observe(describe: () => Observation): void {
    this.#machine.observer.observe('host', 'host', describe);
  }

  /** Executes WBINVD on one core, or on every core. Throws RangeError for a core that CORE_COMPLEXES does not have. */
  wbinvd(core?: number): void {
    if (core !== undefined && !CORES.includes(core)) throw new RangeError(`there is no core ${core}`);
    for (const each of core === undefined ? CORES : [core]) this.#machine.state.wbinvd[each] = true;
  }

  /** Gives a new guest its memory. Returns the guest's number, which is no business of the AMD-SP. */
  createGuest(regions: readonly RegionRequest[]): number {
    const { state } = this.#machine;
    const { ram, nextFrame } = mapGuestRam(regions, state.nextFrame);
    const guest = state.guests.size;
    state.guests.set(guest, { ram, fwCfg: new Map(), disk: undefined });
    state.nextFrame = nextFrame;
    return guest;
  }

  /** Where `length` guest-physical bytes lie, in order; a piece without `spa` has no memory behind it. */
  locate(guest: number, address: Gpa, length: number): Place[] {
    return locate(this.#slot(guest).ram, address, length);
  }

  /**
   * Lets a guest page of 4 KiB lie elsewhere from now on: the nested page tables are the host's. Both addresses are
   * multiples of 4096. Throws RangeError for a guest that does not exist, as every method here does.
   */
  remap(guest: number, page: Gpa, to: Spa): void {
    this.#slot(guest).ram.moved.set(page / 4096n, to);
    this.#machine.observer.observe('host', 'memory', () => ({
      type: 'remap',
      gpa: hexAddress(page),
      spa: hexAddress(to),
    }));
  }

  /** Offers an item to the guest's firmware, or changes it. The bytes must stay as they are. */
  offerFwCfg(guest: number, name: string, item: Uint8Array): void {
    this.#slot(guest).fwCfg.set(name, item);
  }

  /** Attaches a disk image. The device writes into these very bytes. */
  attachDisk(guest: number, image: Uint8Array): void {
    this.#slot(guest).disk = image;
  }

  /** The image that was attached. */
  disk(guest: number): Uint8Array | undefined {
    return this.#slot(guest).disk;
  }

  /**
   * VMRUN. `vmsa` is where the register state of a SEV-ES guest lies, one whose ASID is below `minSevAsid`; other
   * guests need none. Throws VmrunRefused unless the AMD-SP made the ASID valid and the VMSA has its checksum.
   * NOT MODELLED: the registers in the VMSA, and the new checksum at each VMEXIT.
   */
  vmrun<T>(guest: number, asid: number, software: (context: GuestContext) => T, vmsa?: Spa): T {
    const context = this.resume(guest, asid);
    const machine = this.#machine;
    if (
      asid < PARTS[machine.state.part].minSevAsid &&
      !(vmsa !== undefined && machine.vmsaIsIntact(asid, vmsa))
    )
      throw new VmrunRefused(asid, 'has no VMSA with the checksum that the AMD-SP gave it');
    this.#machine.observer.observe('host', 'firmware', () => ({ type: 'vmrun', asid }));
    return software(context);
  }

  /** The context of a guest that already runs, such as one in a fork: nothing is told to start. Throws as vmrun. */
  resume(guest: number, asid: number): GuestContext {
    const machine = this.#machine;
    if (!machine.memory.state.runnable.has(asid)) throw new VmrunRefused(asid);
    return machine.guestContext(this.#slot(guest), asid);
  }

  #slot(guest: number): GuestSlot {
    const slot = this.#machine.state.guests.get(guest);
    if (slot === undefined) throw new RangeError(`there is no guest ${guest}`);
    return slot;
  }
}

/** What the AMD-SP can reach. */
export interface SecureProcessorHardware {
  readonly part: PartName;
  readonly memory: SecureProcessorMemory;
  /** By core: whether it executed WBINVD since clearWbinvd. CORE_COMPLEXES tells which cores belong together. */
  wbinvdDone(): readonly boolean[];
  /** Forgets WBINVD on these cores, or on every core. */
  clearWbinvd(cores?: readonly number[]): void;
}

/** DRAM, keys and devices; hands one capability to each actor. */
export class Machine {
  readonly state: MachineState;
  readonly observer: Observer;
  readonly memory: MemoryController;
  readonly mailbox: Mailbox;
  readonly host: Host;
  readonly secureProcessor: SecureProcessorHardware;

  constructor(state: MachineState, memory: MemoryController, mailbox: Mailbox, observer: Observer) {
    this.state = state;
    this.memory = memory;
    this.mailbox = mailbox;
    this.observer = observer;
    this.host = new Host(this, new HostMemory(memory, observer));
    this.secureProcessor = {
      part: state.part,
      memory: new SecureProcessorMemory(memory, observer, state.part),
      wbinvdDone: () => [...state.wbinvd],
      clearWbinvd: (cores = CORES) => {
        for (const core of cores) state.wbinvd[core] = false;
      },
    };
  }

  /** A machine with the same past. Whoever stood behind its mailbox must be connected again. */
  fork(observer: Observer): Machine {
    const { state } = this;
    const guests = new Map<number, GuestSlot>();
    for (const [guest, { ram, fwCfg, disk }] of state.guests)
      guests.set(guest, {
        ram: forkGuestRam(ram),
        fwCfg: new Map(fwCfg),
        disk: disk && new Uint8Array(disk),
      });
    return new Machine(
      { ...state, guests, wbinvd: [...state.wbinvd] },
      this.memory.fork(),
      this.mailbox.fork(),
      observer,
    );
  }

  /** Whether a VMSA, seen with the key of that ASID, has the checksum that its cell holds. */
  vmsaIsIntact(asid: number, address: Spa): boolean {
    const vmsa = this.memory.readEncrypted(asid, address, VMSA_SIZE);
    const cell = vmsaCell(vmsa);
    const expected = encodeChecksum(vmsaChecksum(vmsa));
    return (
      DRAM_REGIONS.some(({ start, end }) => cell >= start && cell + BigInt(expected.length) <= end) &&
      equal(this.memory.read(cell, expected.length), expected)
    );
  }

  /** A guest's own view of itself, under the key of that ASID. Nothing is checked: Host does that. */
  guestContext({ ram, fwCfg, disk }: GuestSlot, asid: number): GuestContext {
    const part = PARTS[this.state.part];
    const es = asid < part.minSevAsid;
    return {
      memory: new GuestMemory(this.memory, this.observer, ram, asid, 'firmware'),
      cpuid: (leaf) =>
        leaf === CPUID_MEMORY_ENCRYPTION
          ? { eax: es ? 0b1010 : 0b10, ebx: part.cBit | (part.physicalBitsLost << 6) } // EAX bit 1: SEV, 3: SEV-ES
          : { eax: 0, ebx: 0 },
      rdmsr: (index) => (index === MSR_SEV_STATUS ? (es ? 0b11n : 0b1n) : 0n), // bit 0: SEV is active here, 1: SEV-ES
      disk: disk && new DiskDevice(disk, this.memory, this.observer, ram),
      fwCfg: new FwCfg(fwCfg, this.observer),
    };
  }
}

/** What a machine is made of. */
export interface MachineOptions {
  readonly part: PartName;
  readonly encryption: EncryptionMode;
  readonly entropy: Entropy;
  readonly observer: Observer;
}

/** A machine that was just switched on: the tweak constants of its memory encryption are drawn here. */
export function createMachine({ part, encryption, entropy, observer }: MachineOptions): Machine {
  const memory = new MemoryController(createMemory(encryption, entropy.bytes(TWEAK_CONSTANTS_SIZE)));
  const wbinvd = CORES.map(() => false);
  const state: MachineState = { part, guests: new Map(), nextFrame: FIRST_GUEST_FRAME, wbinvd };
  return new Machine(state, memory, new Mailbox(), observer);
}
