import { hexAddress } from '@sevlab/codec/address';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { type AreaBlock, findArea, findEntry, type GuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { VmmError } from './errors.ts';

/**
 * Where an image with that table wants the secrets. DEVIATION: QEMU takes guest-physical address 0 when the image
 * announces 0/0 and never looks at the size; this refuses both, since such a secret is lost. A host that wants QEMU's
 * answer gives injectSecret the address. `memorySize` in bytes. Throws VmmError, which says what is wrong with the image.
 */
export function findSecretArea(table: GuidedTable, memorySize: bigint): AreaBlock {
  if (table.kind === 'none') {
    throw new VmmError(
      `firmware image: no GUIDed table (${table.reason}); expected an AmdSev image, see 'sevlab firmware inspect'`,
    );
  }
  const area = findArea(table, SEV_SECRET_BLOCK_GUID);
  if (area === undefined) {
    const what = findEntry(table, SEV_SECRET_BLOCK_GUID)
      ? 'its secret block has not 8 bytes'
      : 'no secret block';
    throw new VmmError(
      `firmware image: ${what}; expected an entry ${SEV_SECRET_BLOCK_GUID} with base and size`,
    );
  }
  if (area.base === 0 || area.size === 0) {
    throw new VmmError(
      `firmware image: the secret block says base ${hexAddress(BigInt(area.base))} and size ${area.size}; ` +
        'expected both to be other than zero: the image was built without a secret area, take an AmdSev build',
    );
  }
  if (BigInt(area.base) + BigInt(area.size) > memorySize) {
    throw new VmmError(
      `firmware image: the secret area ends at ${hexAddress(BigInt(area.base + area.size))}; ` +
        `expected it within guest memory of ${hexAddress(memorySize)} bytes: give the guest more memory`,
    );
  }
  return area;
}
