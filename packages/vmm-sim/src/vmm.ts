import { type Gpa, gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  type CommandName,
  InitBuffer,
  InitExBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
  PlatformStatusBuffer,
} from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';
import { PARTS, type PartName } from '@sevlab/machine/part';
import { createHostBuffers, type HostBuffers, issue, issueBare, place, reserve } from './command-buffer.ts';
import { bootItems, type DirectBoot, findHashesArea, hashesTable } from './direct-boot.ts';
import { CommandFailed, VmmError } from './errors.ts';
import { type GuestRecord, LaunchingGuest } from './guest.ts';
import { FOUR_GIB, ramRegions } from './ram-regions.ts';
import { initialVmsas, ONE_VCPU, type Vcpus } from './vmsas.ts';

/** Bit 0 of INIT's FLAGS: SEV-ES (55766, INIT). */
const INIT_ES = 1;
/** The trusted memory region, in bytes; it is aligned to its size (55766, INIT). */
const TMR_SIZE = 0x10_0000;

/** This VMM's own limit, in bytes. */
const MAX_MEMORY: bigint = 64n << 30n;

/** Everything that the VMM knows, as plain data. */
export interface VmmState {
  readonly part: PartName;
  readonly buffers: HostBuffers;
  /** The next guest's; NOT MODELLED: ASIDs that come back when a guest is gone. */
  nextAsid: number;
  /** The same for SEV-ES guests, which have a range of their own. */
  nextEsAsid: number;
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
  initPlatform({ es = false }: { readonly es?: boolean } = {}): void {
    const tmr = es
      ? { flags: INIT_ES, tmrPaddr: reserve(this.state.buffers, TMR_SIZE, TMR_SIZE), tmrLen: TMR_SIZE }
      : { flags: 0, tmrPaddr: spa(0n), tmrLen: 0 };
    this.command('INIT', InitBuffer, { ...tmr, reserved02: 0, reserved04: 0 });
    this.host.wbinvd();
    expectSuccess('DF_FLUSH', issueBare(this.host, 'DF_FLUSH'));
  }

  /**
   * As initPlatform, but the platform's identity comes from `area`, 32 KiB, and what the AMD-SP makes of it lies at the
   * address that comes back, from here on. Throws CommandFailed.
   */
  initPlatformEx(area: Uint8Array): Spa {
    const nvPaddr = place(this.host, this.state.buffers, area, 4096);
    this.command('INIT_EX', InitExBuffer, {
      length: InitExBuffer.size,
      flags: 0,
      reserved06: 0,
      tmrPaddr: spa(0n),
      tmrLen: 0,
      reserved14: 0,
      nvPaddr,
      nvLen: area.length,
    });
    this.host.wbinvd();
    expectSuccess('DF_FLUSH', issueBare(this.host, 'DF_FLUSH'));
    return nvPaddr;
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
   * with SEV-ES LAUNCH_UPDATE_VMSA. Throws VmmError for an unusable request and CommandFailed for a command.
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

    const { handle } = this.command('LAUNCH_START', LaunchStartBuffer, {
      handle: 0,
      policy,
      dhCertPaddr: session ? place(this.host, this.state.buffers, session.godh) : spa(0n),
      dhCertLen: session?.godh.length ?? 0,
      sessionPaddr: session ? place(this.host, this.state.buffers, session.session) : spa(0n),
      sessionLen: session?.session.length ?? 0,
    });
    const asid = es ? this.state.nextEsAsid++ : this.state.nextAsid++;
    this.command('ACTIVATE', ActivateBuffer, { handle, asid });

    const record = { guest, handle, asid, memorySize, image, table: readGuidedTable(image) };
    this.#updateData(record, imageBase, image);
    if (directBoot && hashesArea)
      this.#updateData(record, gpa(BigInt(hashesArea.base)), hashesTable(directBoot));
    const vmsaPaddrs = vmsas.map((vmsa) => this.#updateVmsa(handle, vmsa));
    return new LaunchingGuest(this, {
      ...record,
      ...(vmsaPaddrs[0] !== undefined && { vmsa: vmsaPaddrs[0] }),
    });
  }

  /** LAUNCH_UPDATE_DATA of bytes that the host puts there first, piece by piece where memory is not contiguous. */
  #updateData({ guest, handle }: Pick<GuestRecord, 'guest' | 'handle'>, at: Gpa, bytes: Uint8Array): void {
    let offset = 0;
    for (const { spa: paddr, length } of this.host.locate(guest, at, bytes.length)) {
      if (paddr === undefined) {
        throw new VmmError(
          `guest memory: ${bytes.length} bytes at ${hexAddress(at)} are to be measured; expected memory there`,
        );
      }
      this.host.memory.write(paddr, bytes.subarray(offset, offset + length));
      this.command('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, { handle, paddr, length });
      offset += length;
    }
  }

  /** LAUNCH_UPDATE_VMSA of a page of the host's. Returns where it lies. */
  #updateVmsa(handle: number, vmsa: Uint8Array): Spa {
    const paddr = reserve(this.state.buffers, vmsa.length, vmsa.length);
    this.host.memory.write(paddr, vmsa);
    this.command('LAUNCH_UPDATE_VMSA', LaunchUpdateBuffer, { handle, paddr, length: vmsa.length });
    return paddr;
  }

  /** Issues one command, and gives back its buffer. Throws CommandFailed unless it succeeds. */
  command<T>(name: CommandName, layout: Struct<T>, value: T): T {
    const answer = issue(this.host, this.state.buffers, name, layout, value);
    expectSuccess(name, answer.status);
    return answer.value;
  }

  /** The same past, on another machine. */
  fork(host: Host): Vmm {
    return new Vmm({ ...this.state, buffers: { ...this.state.buffers } }, host);
  }
}

/** A VMM that has no guest yet. */
export const createVmm = (host: Host, part: PartName): Vmm =>
  new Vmm({ part, buffers: createHostBuffers(), nextAsid: PARTS[part].minSevAsid, nextEsAsid: 1 }, host);

function expectSuccess(command: string, status: SevStatus): void {
  if (status !== 'SUCCESS') throw new CommandFailed(command, status);
}
