import { type Gpa, hexAddress } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import {
  BOOT_PARAMS_SIZE,
  CMD_LINE_PTR_OFFSET,
  E820_ENTRIES_OFFSET,
  E820_MAX_ENTRIES_ZEROPAGE,
  E820_TABLE_OFFSET,
  E820Entry,
  EFI_INFO_OFFSET,
  EFI64_LOADER_SIGNATURE,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import { EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { SETUP_HEADER_OFFSET } from './direct-boot/kernel-file.ts';

/** Without runtime services behind the system table the kernel must not be told of any. */
export const COMMAND_LINE = 'efi=noruntime console=ttyS0';

/**
 * What the kernel's EFI stub writes to boot_params when firmware has no variable SecureBoot, as OVMF's AmdSev build
 * (include/linux/efi.h, efi_secureboot_mode_disabled).
 */
const SECURE_BOOT_OFFSET = 0x1ec;
const SECURE_BOOT_DISABLED = 2;

/** Offsets in boot_params (arch/x86/include/uapi/asm/bootparam.h: struct setup_header). */
const BOOT_FLAG_OFFSET = 0x1fe;
const HEADER_OFFSET = 0x202;

export interface BootParams {
  readonly systemTable: Gpa;
  readonly memoryMap: Gpa;
  /** Length of the memory map, in bytes. */
  readonly memoryMapSize: number;
  /** Address of a text that ends in NUL, below 4 GiB. */
  readonly commandLine: Gpa;
  /** Of the kernel that was loaded; absent when no kernel's file was. */
  readonly setupHeader?: Uint8Array;
  readonly e820: readonly E820Entry[];
}

/**
 * The page that the kernel's 64-bit entry gets in RSI. acpi_rsdp_addr is zero: the kernel finds the RSDP in the
 * configuration table. Throws RangeError when more e820 entries are given than it has room for.
 */
export function encodeBootParams(params: BootParams): Uint8Array {
  const { systemTable, memoryMap, memoryMapSize, commandLine, setupHeader, e820 } = params;
  if (e820.length > E820_MAX_ENTRIES_ZEROPAGE) {
    throw new RangeError(`e820: expected at most ${E820_MAX_ENTRIES_ZEROPAGE} entries, got ${e820.length}`);
  }
  if (commandLine >> 32n !== 0n) {
    throw new RangeError(`command line: expected an address below 4 GiB, got ${hexAddress(commandLine)}`);
  }
  const page = new Uint8Array(BOOT_PARAMS_SIZE);
  const view = new DataView(page.buffer);
  page.set(
    EfiInfo.encode({
      efiLoaderSignature: EFI64_LOADER_SIGNATURE,
      efiSystab: low(systemTable),
      efiMemdescSize: EfiMemoryDescriptor.size,
      efiMemdescVersion: 1,
      efiMemmap: low(memoryMap),
      efiMemmapSize: memoryMapSize,
      efiSystabHi: high(systemTable),
      efiMemmapHi: high(memoryMap),
    }),
    EFI_INFO_OFFSET,
  );
  view.setUint8(E820_ENTRIES_OFFSET, e820.length);
  view.setUint8(SECURE_BOOT_OFFSET, SECURE_BOOT_DISABLED);
  e820.forEach((entry, i) => {
    page.set(E820Entry.encode(entry), E820_TABLE_OFFSET + i * E820Entry.size);
  });
  if (setupHeader !== undefined) page.set(setupHeader, SETUP_HEADER_OFFSET);
  view.setUint16(BOOT_FLAG_OFFSET, 0xaa55, true);
  page.set(utf8('HdrS'), HEADER_OFFSET);
  view.setUint32(CMD_LINE_PTR_OFFSET, Number(commandLine), true);
  return page;
}

const low = (address: bigint): number => Number(address & 0xffff_ffffn);
const high = (address: bigint): number => Number(address >> 32n);
