import { type Gpa, gpa } from '@sevlab/codec/address';
import { readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { bootFirmware, type Handover } from '@sevlab/firmware-sim/boot';
import { LAYOUTS, type LayoutName } from '@sevlab/firmware-sim/layouts';
import { memorySizeFault } from '@sevlab/firmware-sim/memory-map';
import { hasManifest } from '@sevlab/firmware-sim/sec/own-image';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import type { GuestContext } from '@sevlab/machine/machine';
import type { GuestMemoryFile } from '@sevlab/real-guest/guest-memory-file';
import { bootItems } from '@sevlab/vmm-sim/direct-boot';
import { VmmError } from '@sevlab/vmm-sim/errors';
import { type GuestRecord, RunningGuest } from '@sevlab/vmm-sim/guest';
import { createKvmGuest, KvmGuest } from '@sevlab/vmm-sim/kvm/kvm-guest';
import { cpuSignatureOf } from '@sevlab/vmm-sim/qemu/cpu-model';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { QemuExit } from '@sevlab/vmm-sim/qemu/sev-launch';
import { FOUR_GIB, ramRegions } from '@sevlab/vmm-sim/ram-regions';
import { writeGuest } from '@sevlab/vmm-sim/vmm';
import { initialVmsas } from '@sevlab/vmm-sim/vmsas';
import type { StartedPlatform } from '../emulated-platform.ts';

/** What became of a guest that was started. */
export type Outcome =
  | { readonly kind: 'running'; readonly kernel: Kernel }
  | { readonly kind: 'stopped'; readonly reason: string };

/** What runs in a guest. */
export interface Software {
  /** The emulated kernel, a name that kernelProfile knows. */
  readonly linux: string;
  /** What a firmware image that sevlab did not build is taken for. */
  readonly as?: LayoutName;
}

const UNKNOWN_FIRMWARE =
  'sevlab executes no code, and does not know what this firmware image does; expected one of sevlab firmware build, or ' +
  `--as with the edk2 release that it is like: ${Object.keys(LAYOUTS).join(', ')}`;

/** Firmware has handed over to the kernel, or not. */
type FirmwareOutcome =
  | (Handover & { readonly running: RunningGuest })
  | { readonly kind: 'stopped'; readonly reason: string };

/** The guest behind a QEMU of ours: its memory on the emulated machine, and what runs in it. */
export class EmulatedGuest {
  readonly kvm: KvmGuest;
  readonly #platform: StartedPlatform;
  readonly #record: GuestRecord;
  readonly #software: Software;

  /** Gives the guest its memory, flash included. Throws QemuExit for an image that SEV-ES cannot do with. */
  constructor(platform: StartedPlatform, options: MachineOptions, software: Software) {
    const { vmm } = platform;
    const { firmware: image = new Uint8Array(), memorySize } = options;
    const flash = gpa(FOUR_GIB - BigInt(image.length));
    const regions = options.machine === 'none' ? [] : ramRegions(memorySize, options.machine);
    const guest = vmm.host.createGuest([
      ...regions,
      ...(image.length > 0 ? [{ gpa: flash, length: BigInt(image.length) }] : []),
    ]);
    if (image.length > 0) writeGuest(vmm.host, guest, flash, image);
    for (const [name, item] of options.directBoot ? bootItems(options.directBoot) : [])
      vmm.host.offerFwCfg(guest, name, item);
    this.#platform = platform;
    this.#software = software;
    this.#record = {
      ...createKvmGuest(guest, vmsasFor(options)),
      ...{ memorySize, image, table: readGuidedTable(image) },
    };
    this.kvm = new KvmGuest(vmm.state, vmm.host, this.#record);
  }

  /** What the host finds there; zeros where nothing is. */
  read(address: Gpa, length: number): Uint8Array {
    const { host } = this.#platform.vmm;
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const place of host.locate(this.#record.guest, address, length)) {
      if (place.spa !== undefined) bytes.set(host.memory.read(place.spa, place.length), offset);
      offset += place.length;
    }
    return bytes;
  }

  write(address: Gpa, bytes: Uint8Array): void {
    writeGuest(this.#platform.vmm.host, this.#record.guest, address, bytes);
  }

  /** VMRUN from the reset vector, up to the kernel's entry. */
  runFirmware(): FirmwareOutcome {
    const { observer, vmm } = this.#platform;
    if (this.#record.asid === undefined)
      return { kind: 'stopped', reason: 'it is no SEV guest; the emulated firmware runs under SEV only' };
    const { as } = this.#software;
    const { memorySize, table } = this.#record;
    const size = memorySizeFault(memorySize);
    if (size !== undefined) return { kind: 'stopped', reason: size };
    if (as === undefined && !hasManifest(table)) return { kind: 'stopped', reason: UNKNOWN_FIRMWARE };
    const running = new RunningGuest(vmm, this.#record);
    const outcome = running.run((context) =>
      bootFirmware({ context, observer, memorySize, ...(as && { as }) }),
    );
    if (outcome.kind === 'stopped') {
      observer.observe('firmware', 'host', () => ({ type: 'stop', reason: outcome.reason }));
      return outcome;
    }
    return { ...outcome, running };
  }

  /** VMRUN from the reset vector: firmware, then the kernel and user space. */
  run(): Outcome {
    const outcome = this.runFirmware();
    if (outcome.kind === 'stopped') return outcome;
    const { bootParams, running } = outcome;
    const { observer } = this.#platform;
    const profile = kernelProfile(this.#software.linux);
    const kernel = running.resume((context) => bootKernel({ context, bootParams, profile, observer }));
    return { kind: 'running', kernel };
  }

  /** What the guest's own software can do with its memory. */
  resume<T>(software: (context: GuestContext) => T): T {
    return new RunningGuest(this.#platform.vmm, this.#record).resume(software);
  }

  /** Gives a file the guest's memory as the guest sees it. Throws the errors of node:fs. */
  writeTo(file: GuestMemoryFile): void {
    const { host } = this.#platform.vmm;
    this.resume((context) => file.writeAll(host, this.#record.guest, context));
  }
}

/** The VMSAs of the guest that the options ask for; none without SEV-ES. */
function vmsasFor({ firmware, objects, sevGuest, cpuModel, vcpus }: MachineOptions): readonly Uint8Array[] {
  const object = objects.find(({ id }) => id === sevGuest);
  if (firmware === undefined || !hasPolicy(object?.policy ?? 0, 'ES')) return [];
  const form = object?.['legacy-vm-type'] === 'off' ? 'init2' : 'legacy';
  try {
    return initialVmsas(firmware, { count: vcpus, cpuSignature: cpuSignatureOf(cpuModel), form });
  } catch (error) {
    if (!(error instanceof VmmError)) throw error;
    throw new QemuExit([error.message, 'failed to locate and/or save reset vector']);
  }
}
