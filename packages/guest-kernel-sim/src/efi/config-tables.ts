import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import {
  CMD_LINE_PTR_OFFSET,
  EFI_INFO_OFFSET,
  EFI64_LOADER_SIGNATURE,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import { EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import {
  EFI_SYSTEM_TABLE_SIGNATURE,
  EfiConfigurationTable,
  EfiSystemTable,
} from '@sevlab/codec/efi/system-table';
import {
  ACPI_TABLE_GUID,
  EFI_ACPI_20_TABLE_GUID,
  EFI_MEMORY_ATTRIBUTES_TABLE_GUID,
  type Guid,
  LINUX_EFI_COCO_SECRET_AREA_GUID,
  parseGuid,
  SMBIOS_TABLE_GUID,
  SMBIOS3_TABLE_GUID,
} from '@sevlab/codec/guid';
import { viewOf } from '@sevlab/codec/layout';
import { fillForm } from '@sevlab/codec/message-form';
import { KERNEL_MESSAGES } from '../log-messages.ts';
import { printk } from '../printk.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { addEfiMemoryMap } from './e820.ts';
import { earlyMemremap } from './early-memremap.ts';

/** efi.coco_secret before any table is found, and for a table whose address is all ones (include/linux/efi.h). */
const EFI_INVALID_TABLE_ADDR = 0xffff_ffff_ffff_ffffn;

/** The most that the kernel takes, in bytes (arch/x86/include/asm/setup.h). */
const COMMAND_LINE_SIZE = 2048;

/** efi_systab_report_header() reads this many UCS-2 units of the vendor's name. */
const VENDOR_UNITS = 99;

/** drivers/firmware/efi/efi.c, common_tables: GUIDs that are printed, by the name in the log. */
const TABLE_NAMES: ReadonlyMap<Guid, string> = new Map([
  [EFI_ACPI_20_TABLE_GUID, 'ACPI 2.0'],
  [ACPI_TABLE_GUID, 'ACPI'],
  [SMBIOS_TABLE_GUID, 'SMBIOS'],
  [SMBIOS3_TABLE_GUID, 'SMBIOS 3.0'],
  [parseGuid('b122a263-3661-4f68-9929-78f8b0d62180'), 'ESRT'],
  [EFI_MEMORY_ATTRIBUTES_TABLE_GUID, 'MEMATTR'],
  [parseGuid('1ce1e5bc-7ceb-42f2-81e5-8aadf180f57b'), 'RNG'],
  [parseGuid('5568e427-68fc-4f3d-ac74-ca555231cc68'), 'INITRD'],
  [parseGuid('eb66918a-7eef-402a-842e-931d21c38ae9'), 'RTPROP'],
  [LINUX_EFI_COCO_SECRET_AREA_GUID, 'CocoSecret'],
]);

/**
 * efi_init(): from boot_params (4096 bytes) to the addresses of known tables. Sets `cocoSecret`.
 * CRC and header size of the system table are not looked at, as in Linux. Sets `efiRuntime`.
 */
export function efiInit(kernel: RunningKernel, bootParams: Uint8Array): void {
  const info = EfiInfo.decodeAt(bootParams, EFI_INFO_OFFSET);
  if (info.efiLoaderSignature !== EFI64_LOADER_SIGNATURE) return; // no EFI boot: no tables, no device, no message
  kernel.state.efiTables = new Map();

  const options = commandLine(kernel, bootParams);
  takeMemoryMap(kernel, info, options.includes('add_efi_memmap'));
  const address = gpa((BigInt(info.efiSystabHi) << 32n) | BigInt(info.efiSystab));
  const bytes = earlyMemremap(kernel, address, EfiSystemTable.size);
  if (bytes === undefined) {
    printk(kernel, 'err', KERNEL_MESSAGES.noSystemTable);
    return;
  }
  const systab = EfiSystemTable.decode(bytes);
  if (systab.signature !== EFI_SYSTEM_TABLE_SIGNATURE) {
    printk(kernel, 'err', KERNEL_MESSAGES.badSystemTable);
    return;
  }
  const { warnsOfOldEfi } = kernel.state.profile;
  if (warnsOfOldEfi && systab.revision >>> 16 === 0) {
    const minor = twoDigits(systab.revision & 0xffff);
    printk(kernel, 'err', fillForm(KERNEL_MESSAGES.oldSystemTable, { minor }));
  }
  const by = vendor(kernel, systab);
  printk(
    kernel,
    'info',
    fillForm(KERNEL_MESSAGES.efiVersion, { version: efiVersion(kernel, systab.revision), vendor: by }),
  );
  const without = ['noefi', 'efi=noruntime'].some((option) => options.includes(option));
  kernel.state.efiRuntime = systab.runtimeServices !== 0n && !without;
  configInit(kernel, systab.configurationTable, systab.numberOfTableEntries);
}

/** The words of the kernel's command line. */
function commandLine(kernel: RunningKernel, bootParams: Uint8Array): string[] {
  const address = gpa(BigInt(viewOf(bootParams).getUint32(CMD_LINE_PTR_OFFSET, true)));
  if (address === 0n) return [];
  const bytes = kernel.memory.readPrivate(address, COMMAND_LINE_SIZE);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end === -1 ? undefined : end)).split(' ');
}

/**
 * efi_memblock_x86_reserve_range(). e820 decides what is RAM, so nothing here is fatal; with `add` the entries of this
 * map are added to that one.
 * NOT MODELLED: what runtime services and boot services memory need the map for.
 */
function takeMemoryMap(kernel: RunningKernel, info: EfiInfo, add: boolean): void {
  const { efiMemdescVersion, efiMemdescSize, efiMemmap, efiMemmapHi, efiMemmapSize } = info;
  const at = gpa((BigInt(efiMemmapHi) << 32n) | BigInt(efiMemmap));
  const map = efiMemmapSize === 0 ? undefined : earlyMemremap(kernel, at, efiMemmapSize);
  if (map === undefined) {
    printk(kernel, 'err', KERNEL_MESSAGES.noMemoryMap);
    return;
  }
  if (add && efiMemdescSize >= EfiMemoryDescriptor.size) {
    const count = Math.floor(map.length / efiMemdescSize);
    const offsets = Array.from({ length: count }, (_, i) => i * efiMemdescSize);
    addEfiMemoryMap(
      kernel,
      offsets.map((offset) => EfiMemoryDescriptor.decodeAt(map, offset)),
    );
  }
  if (efiMemdescVersion !== 1) {
    printk(kernel, 'warning', fillForm(KERNEL_MESSAGES.strangeDescriptors, { version: efiMemdescVersion }));
  }
}

/** `2.70` up to 6.2; since 6.3 as the specification writes it, `2.7` or `2.3.1`. */
function efiVersion(kernel: RunningKernel, revision: number): string {
  const major = revision >>> 16;
  const minor = revision & 0xffff;
  if (kernel.state.profile.efiVersion === 'two-digits') return `${major}.${twoDigits(minor)}`;
  return `${major}.${Math.floor(minor / 10)}${minor % 10 === 0 ? '' : `.${minor % 10}`}`;
}

const twoDigits = (value: number): string => value.toString().padStart(2, '0');

/** The vendor's name: UCS-2 units cut to 8 bits, up to NUL. */
function vendor(kernel: RunningKernel, { firmwareVendor }: EfiSystemTable): string {
  const units = earlyMemremap(kernel, firmwareVendor, 2 * VENDOR_UNITS);
  if (units === undefined) {
    printk(kernel, 'err', KERNEL_MESSAGES.noVendor);
    return 'unknown';
  }
  let name = '';
  for (let i = 0; i < VENDOR_UNITS && (units[2 * i] !== 0 || units[2 * i + 1] !== 0); i++) {
    name += String.fromCharCode(units[2 * i]!);
  }
  return name;
}

/** efi_config_init() and efi_config_parse_tables(): one line with each known table; the last of equal GUIDs counts. */
function configInit(kernel: RunningKernel, tables: Gpa, count: number): void {
  if (count === 0) return;
  const array = earlyMemremap(kernel, tables, count * EfiConfigurationTable.size);
  if (array === undefined) {
    printk(kernel, 'err', KERNEL_MESSAGES.noTables);
    return;
  }
  let line = 'efi: ';
  for (let offset = 0; offset < array.length; offset += EfiConfigurationTable.size) {
    const { vendorGuid, vendorTable } = EfiConfigurationTable.decodeAt(array, offset);
    const name = TABLE_NAMES.get(vendorGuid);
    if (name === undefined || (name === 'CocoSecret' && kernel.state.profile.announces === 'nobody'))
      continue;
    line += `${name}=${hexAddress(vendorTable)} `; // the line ends in a blank
    kernel.state.efiTables?.set(name, vendorTable);
    if (vendorGuid === LINUX_EFI_COCO_SECRET_AREA_GUID) {
      kernel.state.cocoSecret = vendorTable === EFI_INVALID_TABLE_ADDR ? undefined : vendorTable;
    }
  }
  printk(kernel, 'info', line);
}
