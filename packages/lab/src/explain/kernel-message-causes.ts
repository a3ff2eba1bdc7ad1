import type { EFI_SECRET_MESSAGES, KERNEL_MESSAGES } from '@sevlab/guest-kernel-sim/log-messages';
import type { Cause } from './explanation.ts';

const driver = (symbol: string): string => `Linux, drivers/virt/coco/efi_secret/efi_secret.c: ${symbol}`;
const efi = (symbol: string): string => `Linux, drivers/firmware/efi: ${symbol}`;
const DAMAGED =
  'all files vanish, those of good entries too; look at the table with `sevlab table decode` before it is sealed';

/** What the driver of the secret area means. */
export const EFI_SECRET_CAUSES: Readonly<Record<keyof typeof EFI_SECRET_MESSAGES, Cause>> = {
  noLocation: {
    source: driver('efi_secret_map_area'),
    means: 'no configuration table of EFI locates a secret area (EINVAL)',
    look: 'look for CocoSecret= in the line of efi: tables; without it the firmware has no SecretDxe',
  },
  badLocation: {
    source: driver('efi_secret_map_area'),
    means: 'the location that the firmware published is at 0, or has no room for a header (EINVAL)',
    look: 'base_pa=0x0 size=0x0 after a reboot or a late modprobe: some releases of OVMF kept the location in memory that the kernel reuses',
  },
  notMapped: {
    source: driver('efi_secret_map_area'),
    means: 'the area cannot be mapped (ENOMEM)',
    look: 'it is RAM to the kernel, since the firmware did not reserve it: look at ioremap on RAM in the log, and at the e820 map',
  },
  wrongGuid: {
    source: driver('efi_secret_securityfs_setup'),
    means:
      'the area does not begin with the GUID of a secret table: nobody injected one (ENODEV, which is no error)',
    look: 'was it injected, at the address that the image announces, and before the first cont? A table that is there and cannot be recognized was written without the key of the guest',
  },
  tooSmall: {
    source: driver('efi_secret_securityfs_setup'),
    means: 'the table says that it is shorter than its header (EINVAL)',
    look: DAMAGED,
  },
  tooBig: {
    source: driver('efi_secret_securityfs_setup'),
    means: 'the table says that it is longer than the area (EINVAL)',
    look: `OVMF's area has 3072 bytes; QEMU injects more without a word. Of several tables only one has room: ${DAMAGED}`,
  },
  noDirectory: {
    source: driver('efi_secret_securityfs_setup'),
    means: 'secrets or coco cannot be made in securityfs',
    look: 'err=-17: it is there already, from a module that was not unloaded cleanly',
  },
  corrupted: {
    source: driver('efi_secret_securityfs_setup'),
    means: 'an entry is shorter than its own header, or longer than what is left of the table (EINVAL)',
    look: `an entry whose length was wiped too, as GRUB's patches do, counts as one; ${DAMAGED}`,
  },
  noFile: {
    source: driver('efi_secret_securityfs_setup'),
    means: 'the file of an entry cannot be made',
    look: `two entries have one GUID; ${DAMAGED}`,
  },
  created: {
    source: driver('efi_secret_securityfs_setup'),
    means: 'the secrets are there: as many files as entries, 64 at most, those that were wiped not counted',
  },
  removed: {
    source: driver('efi_secret_securityfs_teardown'),
    means:
      'the files are gone: the module was unloaded, or the table found damaged; memory is not wiped by that',
  },
};

/** What the kernel means on the way to it. */
export const KERNEL_CAUSES: Readonly<Record<keyof typeof KERNEL_MESSAGES, Cause>> = {
  probeFailed: {
    source: 'Linux, drivers/base/dd.c: call_driver_probe',
    means: 'the driver did not take the device; its own line before says why. The module stays loaded',
  },
  probeFailedNew: {
    source: 'Linux, drivers/base/dd.c: call_driver_probe',
    means: 'the driver did not take the device; its own line before says why. The module stays loaded',
  },
  ioremapInvalid: {
    source: 'Linux, arch/x86/mm/ioremap.c: __ioremap_caller',
    means: 'a driver wants to map what lies beyond the physical addresses of this processor',
  },
  ioremapRam: {
    source: 'Linux, arch/x86/mm/ioremap.c: __ioremap_check_ram',
    means: 'a driver wants to map what is RAM to the kernel',
    look: 'of a secret area: the firmware did not reserve it',
  },
  memoryEncryption: {
    source: 'Linux, arch/x86/mm/mem_encrypt.c: print_mem_encrypt_feature_info',
    means: 'the guest knows that its memory is encrypted; without this line it is no SEV guest',
  },
  sevStatus: {
    source: 'Linux, arch/x86/coco/sev/core.c: sev_show_status',
    means: 'bits of the MSR SEV_STATUS, by name',
  },
  noSystemTable: {
    source: efi('efi_systab_map'),
    means: 'the address of the system table that the loader gave leads nowhere',
  },
  badSystemTable: {
    source: efi('efi_systab_check_header'),
    means: 'what lies where the system table should be is none',
    look: 'it was read without the key of the guest, or overwritten',
  },
  oldSystemTable: {
    source: efi('efi_systab_report_header'),
    means: 'the firmware says that it is of an EFI before 1.00; the kernel goes on',
  },
  efiVersion: { source: efi('efi_systab_report_header'), means: 'EFI was found, and whose firmware it is' },
  noMemoryMap: { source: efi('__efi_memmap_init'), means: 'the memory map of EFI leads nowhere' },
  strangeDescriptors: {
    source: 'Linux, arch/x86/platform/efi/efi.c: efi_memblock_x86_reserve_range',
    means: 'descriptors of the memory map are of an unknown version; the kernel goes on',
  },
  noVendor: {
    source: efi('efi_systab_report_header'),
    means: 'the name of the maker of the firmware leads nowhere; the kernel goes on',
  },
  noTables: {
    source: efi('efi_config_init'),
    means: 'the configuration tables lead nowhere, so there is no secret area either',
  },
};
