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
import { SETUP_HEADER_OFFSET, SetupHeader } from '@sevlab/firmware-sim/direct-boot/kernel-file';
import type { BootItemName, HashesEntry, HashesTable, OfferedKernel } from './case.ts';

/** What the items of fw_cfg hold; an item that is not offered is absent. */
export const offeredItems = ({
  kernel,
  initrd,
  commandLine,
}: OfferedKernel): Partial<Record<BootItemName, Uint8Array>> => ({
  kernel: kernelFile(fromHex(kernel)),
  ...(initrd !== undefined && { initrd: fromHex(initrd) }),
  ...(commandLine !== undefined && { cmdline: utf8(commandLine) }),
});

/** A 64-bit bzImage (Linux, Documentation/x86/boot.rst) that no processor would run. */
function kernelFile(proper: Uint8Array): Uint8Array {
  const setupSects = 1;
  const head = new Uint8Array((setupSects + 1) * 512);
  const none = SetupHeader.decode(new Uint8Array(SetupHeader.size));
  const header = SetupHeader.encode({
    ...none,
    ...{ setupSects, syssize: Math.ceil(proper.length / 16), bootFlag: 0xaa55 },
    ...{ jump: Uint8Array.of(0xeb, 0x6a), header: 'HdrS', version: 0x020f, xloadflags: 1 },
    ...{ code32Start: 0x10_0000, prefAddress: 0x100_0000n, initSize: 0x10_0000 },
    ...{ initrdAddrMax: 0x7fff_ffff, cmdlineSize: 2047 },
  });
  head.set(header, SETUP_HEADER_OFFSET);
  return concat(head, proper);
}

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
