import { type Gpa, gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  type CommandName,
  InitBuffer,
  InitExBuffer,
  PdhCertExportBuffer,
  PlatformStatusBuffer,
} from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';
import type { PartName } from '@sevlab/machine/part';
import { createHostBuffers, type HostBuffers, issue, place, reserve } from './command-buffer.ts';
import { bootItems, type DirectBoot, findHashesArea, hashesTable } from './direct-boot.ts';
import { CommandFailed, VmmError } from './errors.ts';
import { LaunchingGuest } from './guest.ts';
import { type Asids, asidRange, createAsids, flushAsids, forkAsids } from './kvm/asids.ts';
import { createKvmGuest, KvmGuest } from './kvm/kvm-guest.ts';
import { ERRNO, type KvmAnswer } from './kvm/sev-calls.ts';
import { FOUR_GIB, ramRegions } from './ram-regions.ts';
import { initialVmsas, ONE_VCPU, type Vcpus } from './vmsas.ts';

/** Bit 0 of INIT's FLAGS: SEV-ES (55766, INIT). */
const INIT_ES = 1;
/** The trusted memory region, in bytes; it is aligned to its size (55766, INIT). */
const TMR_SIZE = 0x10_0000;

/** This VMM's own limit, in bytes. */
const MAX_MEMORY: bigint = 64n << 30n;

/** What the platform is for. */
export interface PlatformUse {
  /** Whether SEV-ES guests will run, too. Default: false. */
  readonly es?: boolean;
}

/** Everything that the VMM knows, as plain data. */
export interface VmmState {
  readonly part: PartName;
  readonly buffers: HostBuffers;
  readonly asids: Asids;
}

/** What a guest is to be. */
export interface LaunchRequest {
  /** A firmware image, a multiple of 4096 bytes: it ends at 4 GiB. */
  readonly image: Uint8Array;
  /** Bytes; a multiple of 4096, at most 64 GiB. */
  readonly memorySize: bigint;
  /** 32 bits (55766, Guest Policy Structure). */
  readonly policy: number;
  /** Absent for a launch that no guest owner can verify. */
  readonly session?: { readonly godh: Uint8Array; readonly session: Uint8Array };
  /** What the firmware is given to start. */
  readonly directBoot?: DirectBoot;
  /** Whether the hashes of what it is given are measured. Default: false, as in QEMU. */
  readonly kernelHashes?: boolean;
  /** Default: one. With SEV-ES in the policy, each has a VMSA. */
  readonly vcpus?: Vcpus;
  /** The image behind the guest's block device; the device writes into these very bytes. */
  readonly disk?: Uint8Array;
}

/** The hypervisor, well-behaved. What it may do besides lies in `host`, and nothing stops it there. */
export class Vmm {
  readonly state: VmmState;
  readonly host: Host;

  constructor(state: VmmState, host: Host) {
    this.state = state;
    this.host = host;
  }

  /**
   * INIT, then WBINVD on all cores and DF_FLUSH, so that ASIDs are usable. For SEV-ES guests the AMD-SP gets a trusted
   * memory region. Throws CommandFailed.
   */
  initPlatform({ es = false }: PlatformUse = {}): void {
    this.command('INIT', InitBuffer, { ...this.#trustedRegion(es), reserved02: 0, reserved04: 0 });
    expectSuccess('DF_FLUSH', flushAsids(this.host));
  }

  /**
   * As initPlatform, but the platform's identity comes from `area`, 32 KiB, and what the AMD-SP makes of it lies at the
   * address that comes back, from here on. Throws CommandFailed.
   */
  initPlatformEx(area: Uint8Array, { es = false }: PlatformUse = {}): Spa {
    const nvPaddr = place(this.host, this.state.buffers, area, 4096);
    this.command('INIT_EX', InitExBuffer, {
      length: InitExBuffer.size,
      ...this.#trustedRegion(es),
      reserved06: 0,
      reserved14: 0,
      nvPaddr,
      nvLen: area.length,
    });
    expectSuccess('DF_FLUSH', flushAsids(this.host));
    return nvPaddr;
  }

  /** What INIT is told of the trusted memory region; SEV-ES cannot do without. */
  #trustedRegion(es: boolean): Pick<InitBuffer, 'flags' | 'tmrPaddr' | 'tmrLen'> {
    if (!es) return { flags: 0, tmrPaddr: spa(0n), tmrLen: 0 };
    return { flags: INIT_ES, tmrPaddr: reserve(this.state.buffers, TMR_SIZE, TMR_SIZE), tmrLen: TMR_SIZE };
  }

  /** Version, state and number of guests. Throws CommandFailed. */
  platformStatus(): PlatformStatusBuffer {
    const empty = { apiMajor: 0, apiMinor: 0, state: 0, owner: 0, config: 0, build: 0, guestCount: 0 };
    return this.command('PLATFORM_STATUS', PlatformStatusBuffer, empty);
  }

  /** PDH, PEK, OCA and the unsigned CEK, each 0x824 bytes. Throws CommandFailed. */
  exportCertificates(): { pdh: Uint8Array; pek: Uint8Array; oca: Uint8Array; cek: Uint8Array } {
    const { size } = SevCertificate;
    const pdhPaddr = reserve(this.state.buffers, size);
    const certsPaddr = reserve(this.state.buffers, CERT_CHAIN_SIZE);
    const buffer = { pdhPaddr, pdhLen: size, certsPaddr, certsLen: CERT_CHAIN_SIZE };
    this.command('PDH_CERT_EXPORT', PdhCertExportBuffer, buffer);
    const chain = this.host.memory.read(certsPaddr, CERT_CHAIN_SIZE);
    const [pek, oca, cek] = [0, 1, 2].map((i) => chain.slice(i * size, (i + 1) * size));
    return { pdh: this.host.memory.read(pdhPaddr, size), pek: pek!, oca: oca!, cek: cek! };
  }

  /**
   * Places the image below 4 GiB, then LAUNCH_START, ACTIVATE and LAUNCH_UPDATE_DATA of image and kernel hashes, and
   * with SEV-ES LAUNCH_UPDATE_VMSA. Throws VmmError for an unusable request and CommandFailed for a command; of a guest
   * that was refused nothing stays with KVM and the AMD-SP.
   */
  launch(request: LaunchRequest): LaunchingGuest {
    const { image, memorySize, policy, session, disk, directBoot, kernelHashes, vcpus = ONE_VCPU } = request;
    if (memorySize <= 0n || memorySize > MAX_MEMORY || memorySize % 4096n !== 0n) {
      throw new VmmError(`guest memory: expected a multiple of 4096 up to 64 GiB, got ${memorySize} bytes`);
    }
    if (image.length % 4096 !== 0 || image.length === 0) {
      throw new VmmError(`firmware image: expected a multiple of 4096 bytes, got ${image.length}`);
    }
    const es = hasPolicy(policy, 'ES');
    const vmsas = es ? initialVmsas(image, vcpus) : [];
    const hashesArea = directBoot && kernelHashes ? findHashesArea(image) : undefined;
    const imageBase = gpa(FOUR_GIB - BigInt(image.length));
    const guest = this.host.createGuest([
      ...ramRegions(memorySize),
      { gpa: imageBase, length: BigInt(image.length) },
    ]);
    if (disk !== undefined) this.host.attachDisk(guest, disk);
    for (const [name, item] of directBoot ? bootItems(directBoot) : [])
      this.host.offerFwCfg(guest, name, item);

    const table = readGuidedTable(image);
    const record = { ...createKvmGuest(guest, vmsas), memorySize, image, table };
    const kvm = new KvmGuest(this.state, this.host, record);
    const { godh: dhCert, session: wrapped } = session ?? {};
    const owner = { ...(dhCert && { dhCert }), ...(wrapped && { session: wrapped }) };
    try {
      expectInit(this.state.part, es, kvm.init(es));
      expectDone('LAUNCH_START', kvm.launchStart({ handle: 0, policy, ...owner }));
      this.#measure(kvm, imageBase, image);
      if (directBoot && hashesArea) this.#measure(kvm, gpa(BigInt(hashesArea.base)), hashesTable(directBoot));
      if (es) expectDone('LAUNCH_UPDATE_VMSA', kvm.launchUpdateVmsa());
    } catch (error) {
      kvm.destroy(); // the process of that guest ends
      throw error;
    }
    return new LaunchingGuest(this, record);
  }

  /** LAUNCH_UPDATE_DATA of bytes that the host puts there first. */
  #measure(kvm: KvmGuest, at: Gpa, bytes: Uint8Array): void {
    writeGuest(this.host, kvm.state.guest, at, bytes);
    expectDone('LAUNCH_UPDATE_DATA', kvm.launchUpdateData(at, bytes.length));
  }

  /** Issues one command, and gives back its buffer. Throws CommandFailed unless it succeeds. */
  command<T>(name: CommandName, layout: Struct<T>, value: T): T {
    const answer = issue(this.host, this.state.buffers, name, layout, value);
    expectSuccess(name, answer.status);
    return answer.value;
  }

  /** The same past, on another machine. */
  fork(host: Host): Vmm {
    const { buffers, asids } = this.state;
    return new Vmm({ ...this.state, buffers: { ...buffers }, asids: forkAsids(asids) }, host);
  }
}

/** A VMM that has no guest yet. */
export const createVmm = (host: Host, part: PartName): Vmm =>
  new Vmm({ part, buffers: createHostBuffers(), asids: createAsids() }, host);

/**
 * Writes to guest memory as the host does, which is in the clear. Throws VmmError where there is none.
 */
export function writeGuest(host: Host, guest: number, at: Gpa, bytes: Uint8Array): void {
  let offset = 0;
  for (const { spa: paddr, length } of host.locate(guest, at, bytes.length)) {
    if (paddr === undefined) {
      throw new VmmError(
        `guest memory: ${bytes.length} bytes at ${hexAddress(at)} are to be measured; expected memory there`,
      );
    }
    host.memory.write(paddr, bytes.subarray(offset, offset + length));
    offset += length;
  }
}

/** As expectDone for KVM_SEV_INIT and KVM_SEV_ES_INIT: what is short there is ASIDs. */
export function expectInit(part: PartName, es: boolean, answer: KvmAnswer): void {
  if (answer.ret === -ERRNO.EBUSY) {
    const [first, last] = asidRange(part, es);
    const number = `${last - first + 1} for guests ${es ? 'with' : 'without'} SEV-ES`;
    throw new VmmError(`KVM has no ASID left: ${part} has ${number}; end one of them first`);
  }
  expectDone('INIT', answer);
}

/** Throws CommandFailed for what the AMD-SP refused, and VmmError for what KVM did. */
export function expectDone(call: string, { ret, fwError, command }: KvmAnswer): void {
  if (ret === 0) return;
  const status = statusFromCode(fwError);
  if (status !== undefined && fwError !== 0) throw new CommandFailed(command ?? call, status);
  throw new VmmError(`${call}: KVM refused it with errno ${-ret}`);
}

function expectSuccess(command: string, status: SevStatus): void {
  if (status !== 'SUCCESS') throw new CommandFailed(command, status);
}
