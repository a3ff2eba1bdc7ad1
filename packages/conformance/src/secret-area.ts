import { concat, fromHex, utf8 } from '@sevlab/codec/bytes';
import { SecretEntry, SecretHeader } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID, parseGuid } from '@sevlab/codec/guid';
import type { KernelGiven, SecretAreaEntry } from './case.ts';

/** The names of Linux' Documentation/security/secrets/coco.rst; the last one has the content that is shown there. */
const DOCUMENTATION: readonly SecretAreaEntry[] = [
  { guid: '736870e5-84f0-4973-92ec-06879ce3da0b', data: '6469736b2d70617373706872617365' },
  { guid: '83c83f7f-1356-4975-8b7e-d3a0b54312c6', data: '41414141414141414141414141414141' },
  { guid: '9553f55d-3da2-43ee-ab5d-ff17f78864d2', data: '78' },
  {
    guid: 'e6f5a162-d67f-4750-a67c-5d065f2a9910',
    data: '74686573652d6172652d7468652d6b6174612d736563726574730001020304050607',
  },
];

/** The bytes that a case puts at the start of a secret area, faults included. */
export function secretAreaBytes(area: KernelGiven['area']): Uint8Array {
  if (area === 'zeros') return new Uint8Array(SecretHeader.size);
  if (area === 'documentation') return secretAreaBytes({ entries: DOCUMENTATION });
  if ('bytes' in area) return fromHex(area.bytes);
  const { headerGuid = EFI_SECRET_TABLE_HEADER_GUID } = area;
  const listed = [...area.entries, ...numberedEntries(area.numbered ?? 0)];
  const entries = concat(...listed.map(entryBytes), fromHex(area.tail ?? ''));
  const len = Number(area.headerLength ?? SecretHeader.size + entries.length);
  return concat(SecretHeader.encode({ guid: parseGuid(headerGuid), len }), entries);
}

function entryBytes({ guid, data, repeat = 1, length }: SecretAreaEntry): Uint8Array {
  const bytes = fromHex(data.repeat(repeat));
  const len = Number(length ?? SecretEntry.size + bytes.length);
  return concat(SecretEntry.encode({ guid: parseGuid(guid), len }), bytes);
}

const numberedEntries = (count: number): SecretAreaEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    guid: `${(i + 1).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`,
    data: [...utf8(String(i))].map((byte) => byte.toString(16)).join(''),
  }));
