import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { EFI_INFO_OFFSET, EfiInfo } from '@sevlab/codec/efi/boot-params';
import { crc32 } from '@sevlab/codec/efi/crc32';
import { EFI_MEMORY_TYPE, EFI_PAGE_SIZE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { EfiConfigurationTable, EfiSystemTable } from '@sevlab/codec/efi/system-table';
import { type Guid, HOB_LIST_GUID, LINUX_EFI_COCO_SECRET_AREA_GUID } from '@sevlab/codec/guid';
import { MemoryAllocationHob, readHobList } from '@sevlab/firmware-sim/pei/hob-list';
import type { GuestMemory } from '@sevlab/machine/machine';
import type { AnnouncedArea, FirmwareThen, MemoryMapShape, SystemTableShape } from '../case.ts';

const PAGE = BigInt(EFI_PAGE_SIZE);
/** Units of the vendor's name that anybody looks at (Linux, efi_systab_report_header). */
const VENDOR_UNITS = 100;

/**
 * What a kernel finds from boot_params on, read as it would. `area` is where the layout has secrets, and `addresses` are
 * those of `types`.
 */
export function seeHandover(
  memory: GuestMemory,
  bootParams: Gpa,
  area: Gpa,
  addresses: readonly string[],
): FirmwareThen {
  const info = EfiInfo.decode(memory.readPrivate(gpa(bootParams + BigInt(EFI_INFO_OFFSET)), EfiInfo.size));
  const map = readMap(memory, info);
  const systab = joined(info.efiSystabHi, info.efiSystab);
  const systemTable = EfiSystemTable.decode(memory.readPrivate(systab, EfiSystemTable.size));
  const tableOf = (guid: Guid): Gpa | undefined =>
    configurationOf(memory, systemTable).find(({ vendorGuid }) => vendorGuid === guid)?.vendorTable;
  const location = tableOf(LINUX_EFI_COCO_SECRET_AREA_GUID);
  const hobList = tableOf(HOB_LIST_GUID);
  return {
    hob: hobList === undefined ? 'none' : hobOf(memory, hobList, area),
    location: location === undefined ? 'none' : locationAt(memory, location),
    ...(location !== undefined && { locationIn: typeAt(map, location) }),
    page: pageAround(map, area),
    types: Object.fromEntries(addresses.map((address) => [address, typeAt(map, BigInt(address))])),
    attributes: attributesOf(map),
    memoryMap: shapeOf(map, info),
    systemTable: seeSystemTable(memory, systab, map),
  };
}

export const inHex = ({ base, size }: Record<'base' | 'size', number | bigint>): AnnouncedArea => ({
  base: hexAddress(BigInt(base)),
  size: hexAddress(BigInt(size)),
});

const joined = (high: number, low: number): Gpa => gpa((BigInt(high) << 32n) | BigInt(low));

/** An entry of the memory map, and its bytes. */
interface MapEntry extends EfiMemoryDescriptor {
  readonly bytes: Uint8Array;
  readonly end: bigint;
}

function readMap(memory: GuestMemory, info: EfiInfo): MapEntry[] {
  const at = joined(info.efiMemmapHi, info.efiMemmap);
  return Array.from({ length: info.efiMemmapSize / info.efiMemdescSize }, (_, i) => {
    const bytes = memory.readPrivate(gpa(at + BigInt(i * info.efiMemdescSize)), EfiMemoryDescriptor.size);
    const descriptor = EfiMemoryDescriptor.decode(bytes);
    return { ...descriptor, bytes, end: descriptor.physicalStart + descriptor.numberOfPages * PAGE };
  });
}

const nameOf = (type: number): string =>
  Object.entries(EFI_MEMORY_TYPE).find(([, number]) => number === type)?.[0] ?? `type ${type}`;

const entryAt = (map: readonly MapEntry[], address: bigint): MapEntry | undefined =>
  map.find(({ physicalStart, end }) => physicalStart <= address && address < end);

function typeAt(map: readonly MapEntry[], address: bigint): string {
  const entry = entryAt(map, address);
  return entry ? nameOf(entry.type) : 'none';
}

function pageAround(map: readonly MapEntry[], address: Gpa): NonNullable<FirmwareThen['page']> {
  const entry = entryAt(map, address);
  if (entry === undefined) return { type: 'none' };
  const { physicalStart, numberOfPages, type, attribute } = entry;
  const alone = physicalStart === address && numberOfPages === 1n;
  return { type: nameOf(type), alone, attribute: hexAddress(attribute) };
}

function attributesOf(map: readonly MapEntry[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { type, attribute } of map) {
    found[nameOf(type)] = [...new Set([...(found[nameOf(type)] ?? []), hexAddress(attribute)])].toSorted();
  }
  return found;
}

function shapeOf(map: readonly MapEntry[], info: EfiInfo): MemoryMapShape {
  const sorted = map.toSorted((a, b) => (a.physicalStart < b.physicalStart ? -1 : 1));
  return {
    descriptorSize: info.efiMemdescSize,
    descriptorVersion: info.efiMemdescVersion,
    zeroPadding: map.every(({ bytes }) =>
      [bytes.subarray(4, 8), bytes.subarray(16, 24), bytes.subarray(40)].every(isZero),
    ),
    apart: sorted.every(
      ({ physicalStart, numberOfPages }, i) =>
        numberOfPages > 0n && physicalStart % PAGE === 0n && physicalStart >= (sorted[i - 1]?.end ?? 0n),
    ),
  };
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

const configurationOf = (
  memory: GuestMemory,
  { configurationTable, numberOfTableEntries }: EfiSystemTable,
): EfiConfigurationTable[] =>
  Array.from({ length: numberOfTableEntries }, (_, i) => {
    const at = gpa(configurationTable + BigInt(i * EfiConfigurationTable.size));
    return EfiConfigurationTable.decode(memory.readPrivate(at, EfiConfigurationTable.size));
  });

function locationAt(memory: GuestMemory, address: Gpa): AnnouncedArea {
  const { basePa, size } = SecretLocation.decode(memory.readPrivate(address, SecretLocation.size));
  return inHex({ base: basePa, size });
}

function hobOf(memory: GuestMemory, hobList: Gpa, area: Gpa): string {
  const hobs = [...readHobList(memory, hobList)];
  const index = hobs.findIndex(({ memoryBaseAddress }) => memoryBaseAddress === area);
  if (index === -1) return 'none';
  const before = hobs.slice(0, index).reduce((sum, { hobLength }) => sum + hobLength, 0);
  return toHex(memory.readPrivate(gpa(hobList + BigInt(before)), MemoryAllocationHob.size));
}

function seeSystemTable(memory: GuestMemory, systab: Gpa, map: readonly MapEntry[]): SystemTableShape {
  const bytes = memory.readPrivate(systab, EfiSystemTable.size);
  const table = EfiSystemTable.decode(bytes);
  const withoutCrc = new Uint8Array(bytes);
  withoutCrc.fill(0, 16, 20);
  return {
    headerSize: table.headerSize,
    revision: hexAddress(BigInt(table.revision)),
    reserved: new DataView(bytes.buffer, bytes.byteOffset).getUint32(20, true),
    crc: table.crc32 === crc32(withoutCrc),
    cleared: isZero(bytes.subarray(40, 88)) && isZero(bytes.subarray(96, 104)),
    vendorText: isText(memory, table.firmwareVendor),
    vendorIn: typeAt(map, table.firmwareVendor),
    configurationIn: typeAt(map, table.configurationTable),
  };
}

/** Letters below 100h, then a NUL. */
function isText(memory: GuestMemory, address: Gpa): boolean {
  const bytes = memory.readPrivate(address, 2 * VENDOR_UNITS);
  const units = Array.from({ length: VENDOR_UNITS }, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 8));
  const end = units.indexOf(0);
  return end > 0 && units.slice(0, end).every((unit) => unit < 0x100);
}
