import assert from 'node:assert/strict';
import type { Observer } from '@sevlab/ambient/observer';
import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { concat, utf8 } from '@sevlab/codec/bytes';
import { BOOT_PARAMS_SIZE } from '@sevlab/codec/efi/boot-params';
import {
  EFI_MEMORY_TYPE,
  EFI_PAGE_SIZE,
  EfiMemoryDescriptor,
  type EfiMemoryType,
} from '@sevlab/codec/efi/memory-map';
import {
  HOB_LIST_GUID,
  LINUX_EFI_COCO_SECRET_AREA_GUID,
  SEV_HASH_TABLE_BLOCK_GUID,
  SEV_SECRET_BLOCK_GUID,
} from '@sevlab/codec/guid';
import { type AreaBlock, findArea, type GuidedTable } from '@sevlab/codec/ovmf/guided-table';
import type { GuestContext, GuestMemory } from '@sevlab/machine/machine';
import { COMMAND_LINE, encodeBootParams } from './boot-params.ts';
import { VERIFIERS } from './direct-boot/blob-verifier.ts';
import { takeBootBlobs } from './direct-boot/boot-blobs.ts';
import { kernelCommandLine, type LoadedKernel, loadKernel } from './direct-boot/load-kernel.ts';
import { acpiTables } from './dxe/acpi-tables.ts';
import { installConfigurationTable, type TableToInstall } from './dxe/configuration-table.ts';
import { memoryAttributes } from './dxe/memory-attributes.ts';
import { exitBootServices, getMemoryMap, type MemoryServices } from './dxe/memory-services.ts';
import { allocatePages, allocatePool, type Pool } from './dxe/pool.ts';
import { secretDxe } from './dxe/secret-dxe.ts';
import { smbiosTables } from './dxe/smbios-tables.ts';
import { e820Of } from './e820.ts';
import { GRUBS, runGrub } from './grub.ts';
import { LAYOUTS, type Layout, type LayoutName } from './layouts.ts';
import { type BinType, binOf, binsOf, type MemoryRange, ramOf } from './memory-map.ts';
import { type MemoryAllocationHob, memoryAllocation, readHobList, writeHobList } from './pei/hob-list.ts';
import { secretPei } from './pei/secret-pei.ts';
import { writeKernelEntry } from './reset-stub.ts';
import { findMemoryEncryption, writeWorkArea } from './sec/memory-encryption.ts';
import { type OwnImage, readOwnImage } from './sec/own-image.ts';
import { type Stopped, stopped } from './stopped.ts';
import { writeSystemTable } from './system-table.ts';

/** Where the kernel finds what firmware has to say. */
export interface Handover {
  readonly kind: 'handover';
  readonly bootParams: Gpa;
}

export interface BootInput {
  readonly context: GuestContext;
  readonly observer: Observer;
  /** RAM of the guest, in bytes: whole pages from 64 MiB to 64 GiB. Firmware learns it from the platform. */
  readonly memorySize: bigint;
  /** What an image that does not say so itself is taken for. */
  readonly as?: LayoutName;
}

/** What the phases of one boot share. */
interface Boot extends BootInput {
  readonly memory: GuestMemory;
  readonly own: OwnImage;
  readonly layout: Layout;
  readonly area: AreaBlock;
  readonly ram: ReturnType<typeof ramOf>;
  readonly pools: Pools;
}

/** Firmware's own memory, by its type. */
interface Pools {
  readonly loaderData: Pool;
  readonly bootServicesData: Pool;
  readonly runtimeData: Pool;
  readonly acpiReclaim: Pool;
  readonly acpiMemoryNvs: Pool;
}

/**
 * OVMF from the reset vector to the kernel's entry, inside the guest: it knows the guest's memory and nothing else, and
 * does what the image that it finds there says. The pages of the secret area are neither read nor written. Throws
 * RangeError for a memory size that no guest has.
 */
export function bootFirmware(input: BootInput): Handover | Stopped {
  const { context } = input;
  const { memory } = context;
  const ram = ramOf(input.memorySize);
  const encryption = findMemoryEncryption(context);
  if (encryption.kind === 'stopped') return encryption;
  const own = readOwnImage(memory, input.as);
  if (own.kind === 'stopped') return own;
  writeWorkArea(context, encryption);

  const layout: Layout = LAYOUTS[own.layout];
  const area = findArea(own.table, SEV_SECRET_BLOCK_GUID) ?? layout.secretArea;
  const boot: Boot = { memory, own, layout, area, ram, pools: poolsOf(ram.lowEnd), ...input };
  const hobList = pei(boot);
  const tables = dxe(boot, hobList);
  const next = bds(boot, tables);
  return next.kind === 'stopped' ? next : handOver(boot, { ...tables, ...next, hobList });
}

function poolsOf(lowEnd: bigint): Pools {
  const poolIn = (type: BinType): Pool => {
    const { start, end } = binOf(type, lowEnd);
    return { next: start, end };
  };
  return {
    loaderData: poolIn('EfiLoaderData'),
    bootServicesData: poolIn('EfiBootServicesData'),
    runtimeData: poolIn('EfiRuntimeServicesData'),
    acpiReclaim: poolIn('EfiACPIReclaimMemory'),
    acpiMemoryNvs: poolIn('EfiACPIMemoryNVS'),
  };
}

/** PEI gives memory away, and says so in hand-off blocks. Returns where they are. */
function pei({ memory, own, layout, area, pools }: Boot): Gpa {
  const hobList = granted(allocatePages(pools.bootServicesData, 1));
  const reserves = own.manifest.reservesArea === 1 && area.size > 0;
  writeHobList(memory, hobList, [
    ...(reserves ? [secretPei(area, layout.areaMemoryType)] : []),
    ...(layout.igvmParameters ? [igvmParameters(layout.igvmParameters)] : []),
  ]);
  return hobList;
}

interface Tables {
  readonly systemTable: Gpa;
  /** Absent where the image publishes no secret area. */
  readonly secretLocation: Gpa | undefined;
}

/** The drivers of DXE install their tables. */
function dxe({ memory, own, layout, area, pools }: Boot, hobList: Gpa): Tables {
  const { acpiReclaim, acpiMemoryNvs, bootServicesData, runtimeData } = pools;
  const publishes = own.manifest.publishesArea === 1 && area.size > 0;
  const locationPool = layout.locationMemoryType === 'EfiACPIReclaimMemory' ? acpiReclaim : bootServicesData;
  const secretLocation = publishes ? secretDxe(memory, locationPool, area) : undefined;
  // The order is that of OVMF's configuration table. NOT MODELLED: its entries for LZMA decompression, DXE services,
  // memory type information, debug image information and the memory status code record.
  const drivers: readonly TableToInstall[] = [
    { vendorGuid: HOB_LIST_GUID, vendorTable: hobList },
    { vendorGuid: LINUX_EFI_COCO_SECRET_AREA_GUID, vendorTable: secretLocation },
    ...smbiosTables(memory, runtimeData, `AmdSev ${own.layout}`),
    ...acpiTables(memory, { acpiReclaim, acpiMemoryNvs }),
    memoryAttributes(memory, bootServicesData),
  ];
  const installed = drivers.reduce(installConfigurationTable, []);
  return { systemTable: writeSystemTable(memory, runtimeData, installed), secretLocation };
}

/** What is to be started. */
interface Next {
  readonly kind: 'next';
  readonly bootParams: Gpa;
  readonly commandLine: Gpa;
  /** Absent for the emulated kernel alone, of which there is nothing in memory. */
  readonly kernel: LoadedKernel | undefined;
}

/** Boot device selection: the kernel that the host offers, or else what the image starts. */
function bds(
  { context, observer, memory, own, ram, pools }: Boot,
  { secretLocation }: Tables,
): Next | Stopped {
  const blobs = takeBootBlobs(context, observer, VERIFIERS[own.manifest.verifier]!, () =>
    readHashesArea(memory, own.table),
  );
  if (blobs?.kind === 'stopped') return blobs;
  const withoutKernel = blobs ? undefined : runGrub(GRUBS[own.manifest.grub]!, memory, secretLocation);
  if (withoutKernel !== undefined) return withoutKernel;
  const text = blobs
    ? kernelCommandLine(blobs.commandLine, blobs.initrd.length > 0)
    : utf8(`${COMMAND_LINE}\0`);
  const bootParams = granted(allocatePages(pools.loaderData, BOOT_PARAMS_SIZE / EFI_PAGE_SIZE));
  const commandLine = allocatePages(pools.loaderData, Math.ceil(text.length / EFI_PAGE_SIZE));
  if (commandLine === undefined)
    return stopped('long command line', { length: text.length, most: EFI_PAGE_SIZE });
  memory.writePrivate(commandLine, text);
  const end = binOf('EfiLoaderData', ram.lowEnd).start; // the lowest of them
  const kernel = blobs && loadKernel(memory, blobs, { commandLine, end });
  return kernel?.kind === 'stopped' ? kernel : { kind: 'next', bootParams, commandLine, kernel };
}

/** Leaves the boot services, and writes what the kernel's EFI stub would, from the memory map as it is then. */
function handOver(
  { memory, observer, layout, own, area, ram, pools }: Boot,
  given: Tables & Next & { readonly hobList: Gpa },
): Handover {
  const { bootParams, commandLine, kernel, hobList, systemTable, secretLocation } = given;
  const givenByPei = [...readHobList(memory, hobList)].map(rangeOf);
  const { descriptors, mapAt } = leaveBootServices(
    {
      ram: ram.ranges,
      allocations: [...givenByPei, ...binsOf(ram.lowEnd), ...(kernel?.ranges ?? [])],
      pools: Object.values(pools),
    },
    pools.acpiReclaim,
  );
  const map = concat(...descriptors.map((descriptor) => EfiMemoryDescriptor.encode(descriptor)));
  memory.writePrivate(mapAt, map);
  const params = encodeBootParams({
    ...{ systemTable, memoryMap: mapAt, memoryMapSize: map.length, commandLine },
    ...(kernel && { setupHeader: kernel.setupHeader }),
    e820: e820Of(descriptors),
  });
  memory.writePrivate(bootParams, params);
  if (kernel) writeKernelEntry(memory, bootParams, kernel.entry);
  observer.observe('firmware', 'kernel', () => ({
    type: 'handover',
    bootParams: hexAddress(bootParams),
    systemTable: hexAddress(systemTable),
    memoryMap: hexAddress(mapAt),
    ...(secretLocation !== undefined && {
      secretArea: {
        base: hexAddress(BigInt(area.base)),
        size: area.size,
        reserved: own.manifest.reservesArea === 1 && layout.areaMemoryType === 'EfiReservedMemoryType',
        location: hexAddress(secretLocation),
      },
    }),
  }));
  return { kind: 'handover', bootParams };
}

/** As the kernel's EFI stub does: it asks for the size of the map, makes room, and leaves with the key of what it read. */
function leaveBootServices(services: MemoryServices, pool: Pool) {
  const asked = getMemoryMap(services, 0);
  assert(asked.status === 'EFI_BUFFER_TOO_SMALL', 'there is no RAM');
  const mapAt = granted(allocatePool(pool, asked.size));
  const map = getMemoryMap(services, asked.size);
  assert(map.status === 'EFI_SUCCESS', 'the bins are entries of the map, however full they are');
  assert(exitBootServices(services, map.mapKey) === 'EFI_SUCCESS', 'the map is of now');
  return { descriptors: map.descriptors, mapAt };
}

/** The area of the table of hashes, as the guest reads it; empty where the image has none. */
function readHashesArea(memory: GuestMemory, table: GuidedTable): Uint8Array {
  const area = findArea(table, SEV_HASH_TABLE_BLOCK_GUID);
  return area ? memory.readPrivate(gpa(BigInt(area.base)), area.size) : new Uint8Array();
}

/** edk2 OvmfPkg/Library/PlatformInitLib/Igvm.c: kept for the runtime services, used or not. */
const igvmParameters = ({ base, size }: AreaBlock): MemoryAllocationHob =>
  memoryAllocation(BigInt(base), size, EFI_MEMORY_TYPE.EfiRuntimeServicesData);

/** The whole pages that a hand-off block gives away. */
function rangeOf({ memoryBaseAddress, memoryLength, memoryType }: MemoryAllocationHob): MemoryRange {
  const page = BigInt(EFI_PAGE_SIZE);
  const end = memoryBaseAddress + memoryLength;
  return {
    type: efiMemoryType(memoryType),
    start: memoryBaseAddress - (memoryBaseAddress % page),
    end: ((end + page - 1n) / page) * page,
  };
}

function efiMemoryType(number: number): EfiMemoryType {
  const names = Object.keys(EFI_MEMORY_TYPE) as EfiMemoryType[]; // the keys of a constant are its type
  const name = names.find((candidate) => EFI_MEMORY_TYPE[candidate] === number);
  assert(name !== undefined, `PEI gives away memory of type ${number}`);
  return name;
}

function granted(address: Gpa | undefined): Gpa {
  assert(address !== undefined, 'the bins are far larger than what firmware keeps in them');
  return address;
}
