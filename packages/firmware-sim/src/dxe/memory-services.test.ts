import { EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { expect, test } from 'vitest';
import { exitBootServices, getMemoryMap, type MemoryServices } from './memory-services.ts';
import { allocatePages, allocatePool } from './pool.ts';

const servicesWith = (): MemoryServices & { readonly pools: [{ next: bigint; end: bigint }] } => ({
  ram: [{ type: 'EfiConventionalMemory', start: 0n, end: 0x10_0000n }],
  allocations: [{ type: 'EfiLoaderData', start: 0x8000n, end: 0xc000n }],
  pools: [{ next: 0x8000n, end: 0xc000n }],
});

function keyOf(services: MemoryServices): bigint {
  const answer = getMemoryMap(services, 4096);
  if (answer.status !== 'EFI_SUCCESS') throw new Error(answer.status);
  return answer.mapKey;
}

test('a buffer that is too small is told how much room the map needs, and that is enough', () => {
  const services = servicesWith();
  const size = 3 * EfiMemoryDescriptor.size;
  for (const room of [0, size - 1])
    expect(getMemoryMap(services, room)).toEqual({ status: 'EFI_BUFFER_TOO_SMALL', size });
  expect(getMemoryMap(services, size)).toMatchObject({ status: 'EFI_SUCCESS', descriptors: { length: 3 } });
});

test('ExitBootServices with the key of an old map fails, and with that of a new one succeeds', () => {
  const services = servicesWith();
  const old = keyOf(services);
  allocatePages(services.pools[0], 1);
  expect(exitBootServices(services, old)).toBe('EFI_INVALID_PARAMETER');
  expect(exitBootServices(services, keyOf(services))).toBe('EFI_SUCCESS');
});

test('what fits into a page that was handed out changes no map, and so no key', () => {
  const services = servicesWith();
  allocatePool(services.pools[0], 8);
  const key = keyOf(services);
  allocatePool(services.pools[0], 8);
  expect(exitBootServices(services, key)).toBe('EFI_SUCCESS');
  allocatePool(services.pools[0], 4096);
  expect(exitBootServices(services, key)).toBe('EFI_INVALID_PARAMETER');
});
