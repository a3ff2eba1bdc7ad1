import { alignUp, gpa, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
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
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';
import { PARTS, type PartName } from '@sevlab/machine/part';
import { createHostBuffers, type HostBuffers, issue, issueBare, place, reserve } from './command-buffer.ts';
import { CommandFailed, VmmError } from './errors.ts';
import { LaunchingGuest } from './guest.ts';
import { FOUR_GIB, ramRegions } from './ram-regions.ts';

/** This VMM's own limit, in bytes. */
const MAX_MEMORY: bigint = 64n << 30n;

/** Everything that the VMM knows, as plain data. */
export interface VmmState {
  readonly part: PartName;
  readonly buffers: HostBuffers;
  /** NOT MODELLED: ASIDs that come back when a guest is gone. */
  nextAsid: number;
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

  /** INIT, then WBINVD on all cores and DF_FLUSH, so that ASIDs are usable. Throws CommandFailed. */
  initPlatform(): void {
    const buffer = { flags: 0, reserved02: 0, reserved04: 0, tmrPaddr: spa(0n), tmrLen: 0 };
    this.command('INIT', InitBuffer, buffer);
    this.host.wbinvd();
    expectSuccess('DF_FLUSH', issueBare(this.host, 'DF_FLUSH'));
  }

  /**
   * As initPlatform, but the platform's identity comes from `area`, 32 KiB, and what the AMD-SP makes of it lies at the
   * address that comes back, from here on. Throws CommandFailed.
   */
  initPlatformEx(area: Uint8Array): Spa {
    const { buffers } = this.state;
    buffers.next = spa(BigInt(alignUp(Number(buffers.next), 4096)));
    const nvPaddr = place(this.host, buffers, area);
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
   * Places the image below 4 GiB, then LAUNCH_START, ACTIVATE and LAUNCH_UPDATE_DATA.
   * Throws VmmError for an unusable request and CommandFailed for a command.
   */
  launch(request: LaunchRequest): LaunchingGuest {
    const { image, memorySize, policy, session, disk } = request;
    if (memorySize <= 0n || memorySize > MAX_MEMORY || memorySize % 4096n !== 0n) {
      throw new VmmError(`guest memory: expected a multiple of 4096 up to 64 GiB, got ${memorySize} bytes`);
    }
    if (image.length % 4096 !== 0 || image.length === 0) {
      throw new VmmError(`firmware image: expected a multiple of 4096 bytes, got ${image.length}`);
    }
    const imageBase = gpa(FOUR_GIB - BigInt(image.length));
    const guest = this.host.createGuest([
      ...ramRegions(memorySize),
      { gpa: imageBase, length: BigInt(image.length) },
    ]);
    if (disk !== undefined) this.host.attachDisk(guest, disk);

    const { handle } = this.command('LAUNCH_START', LaunchStartBuffer, {
      handle: 0,
      policy,
      dhCertPaddr: session ? place(this.host, this.state.buffers, session.godh) : spa(0n),
      dhCertLen: session?.godh.length ?? 0,
      sessionPaddr: session ? place(this.host, this.state.buffers, session.session) : spa(0n),
      sessionLen: session?.session.length ?? 0,
    });
    const asid = this.state.nextAsid++;
    this.command('ACTIVATE', ActivateBuffer, { handle, asid });

    let offset = 0;
    for (const { spa: paddr, length } of this.host.locate(guest, imageBase, image.length)) {
      this.host.memory.write(paddr!, image.subarray(offset, offset + length));
      this.command('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, { handle, paddr: paddr!, length });
      offset += length;
    }
    return new LaunchingGuest(this, { guest, handle, asid, memorySize, image });
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
  new Vmm({ part, buffers: createHostBuffers(), nextAsid: PARTS[part].minSevAsid }, host);

function expectSuccess(command: string, status: SevStatus): void {
  if (status !== 'SUCCESS') throw new CommandFailed(command, status);
}
