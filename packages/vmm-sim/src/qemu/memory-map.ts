import { type Gpa, gpa } from '@sevlab/codec/address';
import { fillForm } from '@sevlab/codec/message-form';
import { FOUR_GIB, ramRegions } from '../ram-regions.ts';
import type { MachineOptions } from './machine-options.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { SEV_MESSAGES } from './sev-messages.ts';

/** A part of a guest's address space. */
export interface MappedRegion {
  /** First byte and end. */
  readonly start: bigint;
  readonly end: bigint;
  /** QEMU's name of what lies there. */
  readonly name: string;
  /** Whether bytes lie there, rather than registers. */
  readonly memory: boolean;
}

/** What a PC has besides RAM and flash (QEMU 7.2, q35 with -nodefaults, as its monitor shows it). NOT MODELLED: zeros are read there. */
const DEVICES: readonly MappedRegion[] = [
  { start: 0xfec0_0000n, end: 0xfec0_1000n, name: 'ioapic', memory: false },
  { start: 0xfed0_0000n, end: 0xfed0_0400n, name: 'hpet', memory: false },
  { start: 0xfee0_0000n, end: 0xfef0_0000n, name: 'apic-msi', memory: false },
];
const OPTION_ROMS = 0xc_0000n;
const ISA_BIOS = 0xe_0000n;
const ONE_MIB = 0x10_0000n;

/** SeaBIOS, which QEMU takes when it is given nothing. NOT MODELLED: zeros are there. */
const OWN_FIRMWARE_SIZE = 0x4_0000;

/** Bytes of RAM; no machine has none. */
export const memorySizeOf = ({
  machine,
  memorySize,
}: Pick<MachineOptions, 'machine' | 'memorySize'>): bigint => (machine === 'none' ? 0n : memorySize);

/** The map of a machine; its firmware ends at 4 GiB. */
export function memoryMap({
  machine,
  memorySize,
  firmware,
}: Pick<MachineOptions, 'machine' | 'memorySize' | 'firmware'>): readonly MappedRegion[] {
  if (machine === 'none') return [];
  const flashSize = firmware?.length;
  const [low, high] = ramRegions(memorySize, machine);
  const ram = (start: bigint, end: bigint, name = 'pc.ram'): MappedRegion => ({
    start,
    end,
    name,
    memory: true,
  });
  const end = low?.length ?? 0n;
  return [
    ram(0n, min(end, OPTION_ROMS)),
    ram(OPTION_ROMS, min(end, ISA_BIOS), 'pc.rom'),
    ram(ISA_BIOS, min(end, ONE_MIB), 'isa-bios'),
    ram(ONE_MIB, end),
    ...DEVICES,
    ram(
      FOUR_GIB - BigInt(flashSize ?? OWN_FIRMWARE_SIZE),
      FOUR_GIB,
      flashSize === undefined ? 'pc.bios' : 'system.flash0',
    ),
    ...(high ? [ram(high.gpa, high.gpa + high.length)] : []),
  ].filter((region) => region.end > region.start);
}

/**
 * What QEMU holds at an address, and the host sees: ciphertext where the guest's memory is private. Below 1 MiB is QEMU's
 * own copy of the firmware's end, as it is in the file.
 */
export function readMemory(
  { map, ports, options: { firmware } }: Pick<QemuMachine, 'map' | 'ports' | 'options'>,
  at: bigint,
  length: number,
): Uint8Array {
  const bytes = ports.readGuest(gpa(at), length);
  const copy = map.find(({ name }) => name === 'isa-bios');
  if (copy === undefined || firmware === undefined) return bytes;
  for (let i = 0; i < length; i++) {
    const below = Number(ONE_MIB - at) - i; // bytes up to the copy's end
    const isCopy = at + BigInt(i) >= copy.start && below > 0 && below <= firmware.length;
    if (isCopy) bytes[i] = firmware[firmware.length - below]!; // it has so many
  }
  return bytes;
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The region that an address is in. */
export const regionAt = (map: readonly MappedRegion[], address: bigint): MappedRegion | undefined =>
  map.find(({ start, end }) => address >= start && address < end);

/**
 * Where `length` bytes would be for the host, or in QEMU's words why there is no such place (target/i386/sev.c and
 * softmmu/memory.c: gpa2hva).
 */
export function whyNotMemory(map: readonly MappedRegion[], address: Gpa, length: number): string | undefined {
  const region = regionAt(map, address);
  const at = address.toString(16);
  if (region === undefined) return fillForm(SEV_MESSAGES['nothing mapped'], { address: at });
  if (!region.memory) return fillForm(SEV_MESSAGES['no RAM'], { address: at });
  return region.end - address < length ? fillForm(SEV_MESSAGES['beyond region'], { address: at }) : undefined;
}

/** Whether every byte of a range can be read, of however many regions. */
export function isReadable(map: readonly MappedRegion[], at: bigint, length: bigint): boolean {
  const end = at + length;
  for (let next = at; next < end; ) {
    const region = regionAt(map, next);
    if (region === undefined) return false;
    next = region.end;
  }
  return true;
}
