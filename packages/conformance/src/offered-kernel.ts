import { createHash } from 'node:crypto';
import { concat, fromHex, utf8 } from '@sevlab/codec/bytes';
import {
  type Guid,
  parseGuid,
  SEV_CMDLINE_HASH_GUID,
  SEV_HASH_TABLE_GUID,
  SEV_INITRD_HASH_GUID,
  SEV_KERNEL_HASH_GUID,
} from '@sevlab/codec/guid';
import { HashesTableHeader } from '@sevlab/codec/ovmf/hashes-table';
import { emulatedKernelFile } from '@sevlab/firmware-sim/direct-boot/emulated-kernel-file';
import type { BootItemName, HashesEntry, HashesTable, OfferedKernel } from './case.ts';

/** What the items of fw_cfg hold; an item that is not offered is absent. */
export const offeredItems = ({
  kernel,
  initrd,
  commandLine,
}: OfferedKernel): Partial<Record<BootItemName, Uint8Array>> => ({
  kernel: emulatedKernelFile({}, fromHex(kernel)),
  ...(initrd !== undefined && { initrd: fromHex(initrd) }),
  ...(commandLine !== undefined && { cmdline: utf8(commandLine) }),
});

const HASH_GUID: Readonly<Record<HashesEntry['of'], Guid>> = {
  kernel: SEV_KERNEL_HASH_GUID,
  initrd: SEV_INITRD_HASH_GUID,
  cmdline: SEV_CMDLINE_HASH_GUID,
  nothing: parseGuid('00000001-0000-4000-8000-000000000000'),
};

/** The table that a case has in the hashes area, faults included. */
export function hashesTableBytes(
  { entries, length, guid }: HashesTable,
  items: Partial<Record<BootItemName, Uint8Array>>,
): Uint8Array {
  const body = concat(...entries.map((entry) => entryBytes(entry, items)));
  const header = HashesTableHeader.encode({
    guid: guid === undefined ? SEV_HASH_TABLE_GUID : parseGuid(guid),
    len: length ?? HashesTableHeader.size + body.length,
  });
  return concat(header, body);
}

function entryBytes(
  { of, hash, length }: HashesEntry,
  items: Partial<Record<BootItemName, Uint8Array>>,
): Uint8Array {
  const hashes: Readonly<Record<string, Uint8Array>> = {
    right: sha256((of !== 'nothing' && items[of]) || new Uint8Array()),
    wrong: sha256(utf8('something else')),
    'of nothing': sha256(new Uint8Array()),
  };
  const bytes = hashes[hash] ?? fromHex(hash);
  const len = length ?? HashesTableHeader.size + bytes.length;
  return concat(HashesTableHeader.encode({ guid: HASH_GUID[of], len }), bytes);
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
