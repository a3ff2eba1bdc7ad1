/** What efi_secret writes to the log, behind the names of driver and device (drivers/virt/coco/efi_secret/efi_secret.c). */
export const EFI_SECRET_MESSAGES = {
  noLocation: 'Secret area address is not available',
  badLocation: 'Invalid secret area memory location (base_pa={base} size={size})',
  notMapped: 'Could not map secret area',
  wrongGuid: 'EFI secret area does not start with correct GUID',
  tooSmall: 'EFI secret area reported length is too small',
  tooBig: 'EFI secret area reported length is too big',
  noDirectory: 'Error creating {name} securityfs directory entry err={errno}',
  corrupted: 'EFI secret area is corrupted',
  noFile: 'Error creating efi_secret securityfs entry',
  created: 'Created {count} entries in securityfs secrets/coco',
  removed: 'Removed securityfs entries',
} as const;

/** What others write on the way to it. */
export const KERNEL_MESSAGES = {
  // drivers/base/dd.c; the first up to 6.7
  probeFailed: '{driver}: probe of {device} failed with error {errno}',
  probeFailedNew: '{driver} {device}: probe with driver {driver} failed with error {errno}',
  // arch/x86/mm/ioremap.c
  ioremapInvalid: 'ioremap: invalid physical address {address}',
  ioremapRam: 'ioremap on RAM at {first} - {last}',
  // arch/x86/mm/mem_encrypt.c
  memoryEncryption: 'Memory Encryption Features active: AMD {features}',
  sevStatus: 'SEV: Status: {features} ',
  // drivers/firmware/efi, arch/x86/platform/efi
  noSystemTable: "efi: Couldn't map the system table!",
  badSystemTable: 'efi: System table signature incorrect!',
  oldSystemTable: 'efi: Warning: System table version 0.{minor}, expected 1.00 or greater!',
  efiVersion: 'efi: EFI v{version} by {vendor}',
  noMemoryMap: 'efi: Could not map the memory map!',
  strangeDescriptors: 'Unexpected EFI_MEMORY_DESCRIPTOR version {version}',
  noVendor: 'efi: Could not map the firmware vendor!',
  noTables: 'efi: Could not map Configuration table!',
} as const;
