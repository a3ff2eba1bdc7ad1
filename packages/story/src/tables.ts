import { readSecretTable, SecretEntry, SecretHeader } from '@sevlab/codec/efi/secret-table';
import {
  type Guid,
  SEV_CMDLINE_HASH_GUID,
  SEV_HASH_TABLE_GUID,
  SEV_INITRD_HASH_GUID,
  SEV_KERNEL_HASH_GUID,
} from '@sevlab/codec/guid';
import { HashesTableEntry, HashesTableHeader } from '@sevlab/codec/ovmf/hashes-table';
import {
  type AnnotatedBytes,
  asArgument,
  fieldsAt,
  plainField,
  type StructureField,
} from './structure-fields.ts';

/** A secret table with its entries and their data; undefined when the bytes are none. */
export function secretTable(bytes: Uint8Array): AnnotatedBytes | undefined {
  const { header, entries, error } = readSecretTable(bytes);
  if (header === undefined || (error !== undefined && entries.length === 0)) return undefined;
  const own = bytes.subarray(0, Math.min(header.len, bytes.length));
  const { spec } = SecretEntry;
  const fields: StructureField[] = fieldsAt(SecretHeader, own, { prefix: 'header ' });
  for (const [i, { offset, data }] of entries.entries()) {
    const prefix = `entry ${i + 1} `;
    fields.push(...fieldsAt(SecretEntry, own, { offset, prefix }));
    const place = { offset: offset + SecretEntry.size, length: data.length };
    const doc = 'The secret itself: what the file of this GUID holds.';
    if (data.length > 0) fields.push(plainField({ name: `${prefix}data`, ...place, doc, clause: spec }, own));
  }
  return {
    ...{ label: 'secret table', name: 'secret-header', bytes: own, fields, clause: SecretHeader.spec },
    command: `./sevlab table decode ${asArgument(own)}`,
  };
}

const HASHED: Readonly<Record<Guid, string>> = {
  [SEV_CMDLINE_HASH_GUID]: 'command line',
  [SEV_INITRD_HASH_GUID]: 'initrd',
  [SEV_KERNEL_HASH_GUID]: 'kernel',
};

/** The table of kernel hashes with its entries; undefined when the bytes are none. */
export function hashesTable(bytes: Uint8Array): AnnotatedBytes | undefined {
  if (bytes.length < HashesTableHeader.size) return undefined;
  const { guid, len } = HashesTableHeader.decodeAt(bytes, 0);
  if (guid !== SEV_HASH_TABLE_GUID || len > bytes.length) return undefined;
  const own = bytes.subarray(0, len);
  const fields = fieldsAt(HashesTableHeader, own, { prefix: 'header ' });
  for (let offset = HashesTableHeader.size; offset + HashesTableEntry.size <= len; ) {
    const entry = HashesTableEntry.decodeAt(own, offset);
    fields.push(
      ...fieldsAt(HashesTableEntry, own, { offset, prefix: `${HASHED[entry.guid] ?? entry.guid} ` }),
    );
    offset += Math.max(entry.len, HashesTableEntry.size);
  }
  return {
    ...{ label: 'kernel hashes table', name: 'hashes-table-header', bytes: own, fields },
    clause: HashesTableHeader.spec,
    command: `./sevlab annotate hashes-table-header ${asArgument(own)}`,
  };
}
