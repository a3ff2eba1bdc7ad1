import { gpa, hexAddress } from '@sevlab/codec/address';
import type { GuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import type { GuestContext } from '@sevlab/machine/machine';
import { VmmError } from './errors.ts';
import { findSecretArea } from './firmware-image.ts';
import { KvmGuest, type KvmGuestState } from './kvm/kvm-guest.ts';
import { ERRNO } from './kvm/sev-calls.ts';
import { expectDone, type Vmm } from './vmm.ts';

/** One guest, as the VMM sees it; plain data. */
export interface GuestRecord extends KvmGuestState {
  readonly memorySize: bigint;
  readonly image: Uint8Array;
  /** Its GUIDed table, read once, at the launch (QEMU, hw/i386/pc_sysfw_ovmf.c: pc_system_parse_ovmf_flash). */
  readonly table: GuidedTable;
}

const forkRecord = (record: GuestRecord): GuestRecord => ({ ...record });

const kvmOf = ({ state, host }: Vmm, record: GuestRecord): KvmGuest => new KvmGuest(state, host, record);

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
    const answer = kvmOf(vmm, record).launchMeasure(LaunchMeasurement.size);
    expectDone('LAUNCH_MEASURE', answer);
    return new MeasuredGuest(vmm, record, answer.bytes);
  }

  /** The same guest in the hands of the VMM's fork. */
  fork(vmm: Vmm): LaunchingGuest {
    return new LaunchingGuest(vmm, forkRecord(this.record));
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
    const target = gpa(address ?? this.#announcedTarget(packet.data.length));
    const { header, data: secret } = packet;
    const { ret, fwError } = kvmOf(vmm, record).launchSecret({ header, gpa: target, secret });
    const status = ret === -ERRNO.EINVAL || ret === -ERRNO.ENOMEM ? undefined : statusFromCode(fwError);
    if (status !== undefined) return status;
    const limits = `expected ${secret.length} contiguous bytes of guest memory, and 1 to 16384 bytes of header and of packet`;
    throw new VmmError(`secret target ${hexAddress(target)}: KVM refused it with errno ${-ret}; ${limits}`);
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
    expectDone('LAUNCH_FINISH', kvmOf(this.vmm, this.record).launchFinish());
    return new RunningGuest(this.vmm, this.record);
  }

  /** The same guest in the hands of the VMM's fork. */
  fork(vmm: Vmm): MeasuredGuest {
    return new MeasuredGuest(vmm, forkRecord(this.record), this.measurement);
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
    return this.vmm.host.vmrun(this.record.guest, this.#asid, software, this.record.vmsa);
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
    return software(this.vmm.host.resume(this.record.guest, this.#asid));
  }

  /** DEACTIVATE and DECOMMISSION: the key is gone for good. Throws CommandFailed. */
  destroy(): void {
    expectDone('DECOMMISSION', kvmOf(this.vmm, this.record).destroy());
  }

  get #asid(): number {
    const { asid } = this.record;
    if (asid === undefined) throw new Error('a guest that was launched has no ASID');
    return asid;
  }

  /** The same guest in the hands of the VMM's fork. */
  fork(vmm: Vmm): RunningGuest {
    return new RunningGuest(vmm, forkRecord(this.record));
  }
}
