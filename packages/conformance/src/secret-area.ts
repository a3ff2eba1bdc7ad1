import { concat, fromHex, utf8 } from '@sevlab/codec/bytes';
import { SecretEntry, SecretHeader } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID, parseGuid } from '@sevlab/codec/guid';
import type { KernelGiven, SecretAreaEntry } from './case.ts';

/** The bytes that a case puts at the start of a secret area, faults included. */
export function secretAreaBytes(area: KernelGiven['area']): Uint8Array {
  if (area === 'zeros') return new Uint8Array(SecretHeader.size);
  const { headerGuid = EFI_SECRET_TABLE_HEADER_GUID } = area;
  const entries = concat(...[...area.entries, ...numberedEntries(area.numbered ?? 0)].map(entryBytes));
  const len = Number(area.headerLength ?? SecretHeader.size + entries.length);
  return concat(SecretHeader.encode({ guid: parseGuid(headerGuid), len }), entries);
}

function entryBytes({ guid, data, length }: SecretAreaEntry): Uint8Array {
  const bytes = fromHex(data);
  const len = Number(length ?? SecretEntry.size + bytes.length);
  return concat(SecretEntry.encode({ guid: parseGuid(guid), len }), bytes);
}

const numberedEntries = (count: number): SecretAreaEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    guid: `${(i + 1).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`,
    data: [...utf8(String(i))].map((byte) => byte.toString(16)).join(''),
  }));
