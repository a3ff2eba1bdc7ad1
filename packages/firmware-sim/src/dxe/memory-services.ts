import { EFI_PAGE_SIZE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { type MemoryRange, memoryMap } from '../memory-map.ts';
import type { Pool } from './pool.ts';

/** What the boot services know of memory. */
export interface MemoryServices {
  readonly ram: readonly MemoryRange[];
  /** Whole pages that are given away, in the order in which that happened; the pools are among them. */
  readonly allocations: readonly MemoryRange[];
  readonly pools: readonly Pool[];
}

export type MemoryMapAnswer =
  | {
      readonly status: 'EFI_SUCCESS';
      readonly descriptors: readonly EfiMemoryDescriptor[];
      readonly mapKey: bigint;
    }
  /** `size`: how much room is needed, in bytes. */
  | { readonly status: 'EFI_BUFFER_TOO_SMALL'; readonly size: number };

/** GetMemoryMap, into `room` bytes (UEFI Specification, EFI_BOOT_SERVICES.GetMemoryMap). */
export function getMemoryMap(services: MemoryServices, room: number): MemoryMapAnswer {
  const descriptors = memoryMap(services.ram, services.allocations);
  const size = descriptors.length * EfiMemoryDescriptor.size;
  return room < size
    ? { status: 'EFI_BUFFER_TOO_SMALL', size }
    : { status: 'EFI_SUCCESS', descriptors, mapKey: keyOf(services) };
}

/**
 * ExitBootServices: only whoever has seen the map as it is may take memory over (UEFI Specification,
 * EFI_BOOT_SERVICES.ExitBootServices). NOT MODELLED: which services go on when it fails.
 */
export const exitBootServices = (
  services: MemoryServices,
  mapKey: bigint,
): 'EFI_SUCCESS' | 'EFI_INVALID_PARAMETER' =>
  mapKey === keyOf(services) ? 'EFI_SUCCESS' : 'EFI_INVALID_PARAMETER';

/** Every page that is handed out makes another key, as in edk2, and none comes back (MdeModulePkg/Core/Dxe/Mem/Page.c). */
const keyOf = ({ pools }: MemoryServices): bigint =>
  pools.reduce((pages, { next }) => pages + (next + BigInt(EFI_PAGE_SIZE) - 1n) / BigInt(EFI_PAGE_SIZE), 0n);
