import { type Gpa, hexAddress } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import {
  BOOT_PARAMS_SIZE,
  E820_ENTRIES_OFFSET,
  E820_MAX_ENTRIES_ZEROPAGE,
  E820_TABLE_OFFSET,
  E820Entry,
  EFI_INFO_OFFSET,
  EFI64_LOADER_SIGNATURE,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import { EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';

/**
 * Without runtime services behind the system table and without ACPI tables the kernel must be told of neither.
 */
export const COMMAND_LINE = 'efi=noruntime acpi=off console=ttyS0';

/** Offsets in boot_params (arch/x86/include/uapi/asm/bootparam.h: struct setup_header). */
const BOOT_FLAG_OFFSET = 0x1fe;
const HEADER_OFFSET = 0x202;
export const CMD_LINE_PTR_OFFSET = 0x228;

export interface BootParams {
  readonly systemTable: Gpa;
  readonly memoryMap: Gpa;
  /** Length of the memory map, in bytes. */
  readonly memoryMapSize: number;
  /** Address of a text that ends in NUL, below 4 GiB. */
  readonly commandLine: Gpa;
  readonly e820: readonly E820Entry[];
}

/**
 * The page that the kernel's 64-bit entry gets in RSI. acpi_rsdp_addr is zero. Throws RangeError when more e820
 * entries are given than it has room for. NOT MODELLED: the rest of the setup header, which comes from a kernel's file.
 */
export function encodeBootParams(params: BootParams): Uint8Array {
  const { systemTable, memoryMap, memoryMapSize, commandLine, e820 } = params;
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
  e820.forEach((entry, i) => {
    page.set(E820Entry.encode(entry), E820_TABLE_OFFSET + i * E820Entry.size);
  });
  view.setUint16(BOOT_FLAG_OFFSET, 0xaa55, true);
  page.set(utf8('HdrS'), HEADER_OFFSET);
  view.setUint32(CMD_LINE_PTR_OFFSET, Number(commandLine), true);
  return page;
}

const low = (address: bigint): number => Number(address & 0xffff_ffffn);
const high = (address: bigint): number => Number(address >> 32n);
