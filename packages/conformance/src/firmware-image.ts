import { concat, fromHex } from '@sevlab/codec/bytes';
import { OVMF_TABLE_FOOTER_GUID, parseGuid } from '@sevlab/codec/guid';
import { GuidedEntryTail, TABLE_END_FROM_IMAGE_END } from '@sevlab/codec/ovmf/guided-table';
import type { TableImage } from './case.ts';

/** The bytes of an image that has a GUIDed table and nothing else, faults included. */
export function tableImageBytes({ size, entries, footerLength, bytes: more = [] }: TableImage): Uint8Array {
  const payload = concat(
    ...entries.map(({ guid, data, length }) => {
      const bytes = fromHex(data);
      const tail = { len: length ?? bytes.length + GuidedEntryTail.size, guid: parseGuid(guid) };
      return concat(bytes, GuidedEntryTail.encode(tail));
    }),
  );
  const len = footerLength ?? payload.length + GuidedEntryTail.size;
  const table = concat(payload, GuidedEntryTail.encode({ len, guid: OVMF_TABLE_FOOTER_GUID }));
  const image = new Uint8Array(size);
  image.set(table, size - TABLE_END_FROM_IMAGE_END - table.length);
  for (const { fromEnd, bytes } of more) image.set(fromHex(bytes), size - fromEnd);
  return image;
}
