import { alignUp } from '@sevlab/codec/address';
import { EFI_MEMORY_TYPE, EFI_PAGE_SIZE, type EfiMemoryType } from '@sevlab/codec/efi/memory-map';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import { type MemoryAllocationHob, memoryAllocation } from './hob-list.ts';

/**
 * edk2 OvmfPkg/AmdSev/SecretPei/SecretPei.c, InitializeSecretPei: gives away the pages of the secret area. It does
 * not ask for SEV, and neither reads nor clears the area.
 */
export const secretPei = ({ base, size }: AreaBlock, type: EfiMemoryType): MemoryAllocationHob =>
  memoryAllocation(BigInt(base), alignUp(size, EFI_PAGE_SIZE), EFI_MEMORY_TYPE[type]);
