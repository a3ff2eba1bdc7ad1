import { gpa, type Spa } from '@sevlab/codec/address';
import type { GuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { HandleBuffer, LaunchMeasureBuffer, LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { GuestContext } from '@sevlab/machine/machine';
import { issue, place, reserve } from './command-buffer.ts';
import { VmmError } from './errors.ts';
import { findSecretArea } from './firmware-image.ts';
import type { Vmm } from './vmm.ts';

/** One guest, as the VMM sees it; plain data. */
export interface GuestRecord {
  readonly guest: number;
  readonly handle: number;
  readonly asid: number;
  readonly memorySize: bigint;
  readonly image: Uint8Array;
  /** Its GUIDed table, read once, at the launch (QEMU, hw/i386/pc_sysfw_ovmf.c: pc_system_parse_ovmf_flash). */
  readonly table: GuidedTable;
  /** SEV-ES: where the boot CPU's VMSA lies. */
  readonly vmsa?: Spa;
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

  /** The same guest in the hands of the VMM's fork. */
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
    const target = address ?? this.#announcedTarget(packet.data.length);
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

  /** Where the image wants the secrets, if `length` bytes fit there. */
  #announcedTarget(length: number): bigint {
    const { base, size } = findSecretArea(this.record.table, this.record.memorySize);
    if (length > size) {
      throw new VmmError(
        `packet: ${length} bytes do not fit; expected at most ${size}, the size of the image's secret area`,
      );
    }
    return BigInt(base);
  }

  /** LAUNCH_FINISH. Throws CommandFailed. */
  finish(): RunningGuest {
    this.vmm.command('LAUNCH_FINISH', HandleBuffer, { handle: this.record.handle });
    return new RunningGuest(this.vmm, this.record);
  }

  /** The same guest in the hands of the VMM's fork. */
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
    return this.vmm.host.vmrun(this.record.guest, this.record.asid, software, this.record.vmsa);
  }

  /**
   * VMRUN from the reset vector once more, on memory as the guest left it: what a reboot comes to. Throws VmmError for a
   * SEV-ES guest, whose registers no VMM can set: it ends (QEMU, softmmu/runstate.c: qemu_system_reset_request).
   */
  reset<T>(software: (context: GuestContext) => T): T {
    if (this.record.vmsa === undefined) return this.run(software);
    this.destroy();
    throw new VmmError('cpus are not resettable, terminating: the registers of a SEV-ES guest are encrypted');
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

  /** The same guest in the hands of the VMM's fork. */
  fork(vmm: Vmm): RunningGuest {
    return new RunningGuest(vmm, this.record);
  }
}
