import { guestAddress } from '../address.ts';
import { ascii, at, struct, u32le, u64le, type ValueOf } from '../layout.ts';

/** "EL64": a 64-bit EFI loader started the kernel (arch/x86/include/asm/efi.h, EFI64_LOADER_SIGNATURE). */
export const EFI64_LOADER_SIGNATURE = 'EL64';

/** The size of struct boot_params, in bytes. */
export const BOOT_PARAMS_SIZE = 4096;

/** Offsets in boot_params (arch/x86/include/uapi/asm/bootparam.h). */
export const EFI_INFO_OFFSET = 0x1c0;
export const E820_ENTRIES_OFFSET = 0x1e8;
export const CMD_LINE_PTR_OFFSET = 0x228;
export const E820_TABLE_OFFSET = 0x2d0;
/** More entries than this do not fit into boot_params. */
export const E820_MAX_ENTRIES_ZEROPAGE = 128;

/** What the kernel learns of EFI. 32 bytes. */
export const EfiInfo = struct('efi_info', 'arch/x86/include/uapi/asm/bootparam.h: struct efi_info', {
  efiLoaderSignature: at(0x00, ascii(4), '"EL64" or "EL32"; anything else: not started by EFI.'),
  efiSystab: at(0x04, u32le, 'System table, address bits 31:0.'),
  efiMemdescSize: at(0x08, u32le, 'Stride of the memory map, in bytes.'),
  efiMemdescVersion: at(0x0c, u32le, 'Always 1.'),
  efiMemmap: at(0x10, u32le, 'Memory map, address bits 31:0.'),
  efiMemmapSize: at(0x14, u32le, 'Length of the memory map, in bytes.'),
  efiSystabHi: at(0x18, u32le, 'System table, address bits 63:32.'),
  efiMemmapHi: at(0x1c, u32le, 'Memory map, address bits 63:32.'),
});
export type EfiInfo = ValueOf<typeof EfiInfo>;

/** E820 types (arch/x86/include/asm/e820/types.h). */
export const E820_TYPE = { RAM: 1, RESERVED: 2, ACPI: 3, NVS: 4, UNUSABLE: 5, PMEM: 7 } as const;

/** One region as the kernel gets it. 20 bytes, packed. */
export const E820Entry = struct(
  'boot_e820_entry',
  'arch/x86/include/uapi/asm/bootparam.h: struct boot_e820_entry',
  {
    addr: at(0x00, guestAddress, 'First byte.'),
    size: at(0x08, u64le, 'Length, in bytes.'),
    type: at(0x10, u32le, 'E820_TYPE.'),
  },
);
export type E820Entry = ValueOf<typeof E820Entry>;
