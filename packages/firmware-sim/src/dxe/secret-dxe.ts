import { type Gpa, gpa } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import type { GuestMemory } from '@sevlab/machine/machine';
import { allocatePool, type Pool } from './pool.ts';

/**
 * edk2 OvmfPkg/AmdSev/SecretDxe/SecretDxe.c, InitializeSecretDxe: says in a configuration table where the secret
 * area lies, with its size as announced, not rounded to pages. Without memory for that there is no table and the boot
 * goes on. It does not ask for SEV.
 */
export function secretDxe(memory: GuestMemory, pool: Pool, { base, size }: AreaBlock): Gpa | undefined {
  const location = allocatePool(pool, SecretLocation.size);
  if (location !== undefined)
    memory.writePrivate(location, SecretLocation.encode({ basePa: gpa(BigInt(base)), size: BigInt(size) }));
  return location;
}
