import { GUID_NAMES, SEV_HASH_TABLE_BLOCK_GUID, SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { AreaBlock, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import type { PassedBytes } from './passage.ts';

const AREAS: readonly string[] = [SEV_SECRET_BLOCK_GUID, SEV_HASH_TABLE_BLOCK_GUID];

/** What there is to see of an image: the entries of its table, or what stands where one would be. */
export function imagePassage(image: Uint8Array): PassedBytes[] {
  const table = readGuidedTable(image);
  if (table.kind !== 'table') return [{ what: 'the last 48 bytes of the image', bytes: image.slice(-48) }];
  return table.entries.map(({ guid, data }) => ({
    what: `image: ${GUID_NAMES.get(guid) ?? guid}`,
    bytes: data,
    ...(AREAS.includes(guid) && data.length === AreaBlock.size && { structure: AreaBlock }),
  }));
}
