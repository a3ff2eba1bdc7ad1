import { gpa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  type CommandName,
  HandleBuffer,
  InitBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
  PlatformStatusBuffer,
} from '@sevlab/codec/sev/command';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { GuestContext, Host } from '@sevlab/machine/machine';
import { PARTS, type PartName } from '@sevlab/machine/part';
import { createHostBuffers, type HostBuffers, issue, issueBare, place, reserve } from './command-buffer.ts';
import { CommandFailed, VmmError } from './errors.ts';
import { findSecretArea } from './firmware-image.ts';

/** QEMU, hw/i386/pc_q35.c: from 2.75 GiB on, 2 GiB of RAM lie below the 32-bit hole and the rest above. Bytes. */
const SPLIT_FROM = 0xb000_0000n;
const LOW_MEMORY = 0x8000_0000n;
const FOUR_GIB = 0x1_0000_0000n;
const MAX_MEMORY: bigint = 64n << 30n;

/** Everything that the VMM knows, as plain data. */
export interface VmmState {
  readonly part: PartName;
  readonly buffers: HostBuffers;
  nextAsid: number;
}

export interface LaunchRequest {
  readonly image: Uint8Array;
  /** Bytes; a multiple of 4096, at most 64 GiB. */
  readonly memorySize: bigint;
  readonly policy: number;
  /** Absent for a launch that no guest owner can verify. */
  readonly session?: { readonly godh: Uint8Array; readonly session: Uint8Array };
  readonly disk?: Uint8Array;
}

/** One guest, as the VMM sees it; plain data. */
export interface GuestRecord {
  readonly guest: number;
  readonly handle: number;
  readonly asid: number;
  readonly memorySize: bigint;
  readonly image: Uint8Array;
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

/** A guest that is being measured. */
export class LaunchingGuest {
  readonly vmm: Vmm;
  readonly record: GuestRecord;

  constructor(vmm: Vmm, record: GuestRecord) {
    this.vmm = vmm;
    this.record = record;
  }

  /** LAUNCH_MEASURE. Throws CommandFailed. */
  measure(): MeasuredGuest {
    const { vmm, record } = this;
    const measurePaddr = reserve(vmm.state.buffers, LaunchMeasurement.size);
    const buffer = { handle: record.handle, measurePaddr, measureLen: LaunchMeasurement.size };
    vmm.command('LAUNCH_MEASURE', LaunchMeasureBuffer, buffer);
    const measurement = vmm.host.memory.read(measurePaddr, LaunchMeasurement.size);
    return new MeasuredGuest(vmm, record, measurement);
  }

  fork(vmm: Vmm): LaunchingGuest {
    return new LaunchingGuest(vmm, this.record);
  }
}

/** A guest that waits for secrets. */
export class MeasuredGuest {
  readonly vmm: Vmm;
  readonly record: GuestRecord;
  /** 48 bytes: MEASURE, then MNONCE. */
  readonly measurement: Uint8Array;

  constructor(vmm: Vmm, record: GuestRecord, measurement: Uint8Array) {
    this.vmm = vmm;
    this.record = record;
    this.measurement = measurement;
  }

  /**
   * LAUNCH_SECRET, at `address` or else where the image announces its secret area. Returns what the AMD-SP
   * answered. Throws VmmError when the target is not there.
   */
  injectSecret(
    packet: { readonly header: Uint8Array; readonly data: Uint8Array },
    address?: bigint,
  ): SevStatus {
    const { vmm, record } = this;
    const target = address ?? BigInt(findSecretArea(record.image, record.memorySize).base);
    if (address === undefined) this.#expectRoom(packet.data.length);
    const places = vmm.host.locate(record.guest, gpa(target), Math.max(packet.data.length, 1));
    const first = places[0]?.spa;
    if (first === undefined || places.length > 1) {
      throw new VmmError(
        `secret target 0x${target.toString(16)}: expected ${packet.data.length} contiguous bytes of guest memory`,
      );
    }
    const buffer = {
      handle: record.handle,
      hdrPaddr: place(vmm.host, vmm.state.buffers, packet.header),
      hdrLen: packet.header.length,
      guestPaddr: first,
      guestLen: packet.data.length,
      transPaddr: place(vmm.host, vmm.state.buffers, packet.data),
      transLen: packet.data.length,
    };
    return issue(vmm.host, vmm.state.buffers, 'LAUNCH_SECRET', LaunchSecretBuffer, buffer).status;
  }

  #expectRoom(length: number): void {
    const { size } = findSecretArea(this.record.image, this.record.memorySize);
    if (length > size) {
      throw new VmmError(
        `packet: ${length} bytes do not fit; expected at most ${size}, the size of the image's secret area`,
      );
    }
  }

  /** LAUNCH_FINISH. Throws CommandFailed. */
  finish(): RunningGuest {
    this.vmm.command('LAUNCH_FINISH', HandleBuffer, { handle: this.record.handle });
    return new RunningGuest(this.vmm, this.record);
  }

  fork(vmm: Vmm): MeasuredGuest {
    return new MeasuredGuest(vmm, this.record, this.measurement);
  }
}

/** A guest that may be run. */
export class RunningGuest {
  readonly vmm: Vmm;
  readonly record: GuestRecord;

  constructor(vmm: Vmm, record: GuestRecord) {
    this.vmm = vmm;
    this.record = record;
  }

  /** VMRUN: `software` is what the guest's own memory leads to; the VMM has no part in it. */
  run<T>(software: (context: GuestContext) => T): T {
    return this.vmm.host.vmrun(this.record.guest, this.record.asid, software);
  }

  /** What the running guest's software goes on with, in a fork: no VMRUN happens. */
  resume<T>(software: (context: GuestContext) => T): T {
    return software(this.vmm.host.resume(this.record.guest, this.record.asid));
  }

  /** DEACTIVATE and DECOMMISSION: the key is gone for good. Throws CommandFailed. */
  destroy(): void {
    const { handle } = this.record;
    this.vmm.command('DEACTIVATE', HandleBuffer, { handle });
    this.vmm.command('DECOMMISSION', HandleBuffer, { handle });
  }

  fork(vmm: Vmm): RunningGuest {
    return new RunningGuest(vmm, this.record);
  }
}

export const createVmm = (host: Host, part: PartName): Vmm =>
  new Vmm({ part, buffers: createHostBuffers(), nextAsid: PARTS[part].minSevAsid }, host);

function expectSuccess(command: string, status: SevStatus): void {
  if (status !== 'SUCCESS') throw new CommandFailed(command, status);
}

const ramRegions = (size: bigint) =>
  size < SPLIT_FROM
    ? [{ gpa: gpa(0n), length: size }]
    : [
        { gpa: gpa(0n), length: LOW_MEMORY },
        { gpa: gpa(FOUR_GIB), length: size - LOW_MEMORY },
      ];
