import { gpa } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import type { EfiConfigurationTable } from '@sevlab/codec/efi/system-table';
import { LINUX_EFI_COCO_SECRET_AREA_GUID } from '@sevlab/codec/guid';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import type { GuestMemory } from '@sevlab/machine/machine';
import { allocatePool, type Pool } from './pool.ts';

/**
 * edk2 OvmfPkg/AmdSev/SecretDxe/SecretDxe.c, InitializeSecretDxe: says in a configuration table where the secret
 * area lies, with its size as announced, not rounded to pages. Without memory for that nothing is installed and the
 * boot goes on. It does not ask for SEV.
 */
export function secretDxe(
  memory: GuestMemory,
  pool: Pool,
  { base, size }: AreaBlock,
): EfiConfigurationTable[] {
  const location = allocatePool(pool, SecretLocation.size);
  if (location === undefined) return [];
  memory.writePrivate(location, SecretLocation.encode({ basePa: gpa(BigInt(base)), size: BigInt(size) }));
  return [{ vendorGuid: LINUX_EFI_COCO_SECRET_AREA_GUID, vendorTable: location }];
}
