import { concat, padTo } from '../bytes.ts';
import {
  type Guid,
  guid,
  SEV_CMDLINE_HASH_GUID,
  SEV_HASH_TABLE_GUID,
  SEV_INITRD_HASH_GUID,
  SEV_KERNEL_HASH_GUID,
} from '../guid.ts';
import { at, bytes, struct, u16le, type ValueOf } from '../layout.ts';

/** The start of the kernel hashes area. Unlike in the image's GUIDed table, the GUID comes first. 18 bytes. */
export const HashesTableHeader = struct(
  'QEMU kernel hashes table',
  'QEMU target/i386/sev.c: SevHashTable; edk2 BlobVerifierSevHashes.c',
  {
    guid: at(0x00, guid, 'SEV_HASH_TABLE_GUID, else the area holds no hashes.'),
    len: at(0x10, u16le, 'Length of this header and the entries, without the padding, in bytes.'),
  },
);
export type HashesTableHeader = ValueOf<typeof HashesTableHeader>;

/** The hash of one file; entries follow the header and one another. 50 bytes. */
export const HashesTableEntry = struct(
  'QEMU kernel hashes entry',
  'QEMU target/i386/sev.c: SevHashTableEntry; edk2 BlobVerifierSevHashes.c',
  {
    guid: at(0x00, guid, 'SEV_CMDLINE_HASH_GUID, SEV_INITRD_HASH_GUID or SEV_KERNEL_HASH_GUID.'),
    len: at(0x10, u16le, 'Length of the entry with these 18 bytes, in bytes.'),
    hash: at(0x12, bytes(32), 'SHA-256.'),
  },
);
export type HashesTableEntry = ValueOf<typeof HashesTableEntry>;

/**
 * Bytes that QEMU writes and measures: the table, and zeros up to the next multiple of 16, since LAUNCH_UPDATE_DATA
 * takes no other length (QEMU target/i386/sev.c: PaddedSevHashTable).
 */
export const HASHES_TABLE_SIZE = 176;

/** SHA-256 digests, 32 bytes each, of what the firmware will be given to start. */
export interface KernelHashes {
  /** Of the command line in UTF-8 with its NUL. */
  readonly commandLine: Uint8Array;
  /** Of the initial RAM disk; of no bytes when there is none. */
  readonly initrd: Uint8Array;
  /** Of the kernel's file as it is. */
  readonly kernel: Uint8Array;
}

/** The table as QEMU builds it, padded: HASHES_TABLE_SIZE bytes. Throws LengthError for a digest of another size. */
export function encodeHashesTable({ commandLine, initrd, kernel }: KernelHashes): Uint8Array {
  const entry = (name: Guid, hash: Uint8Array): Uint8Array =>
    HashesTableEntry.encode({ guid: name, len: HashesTableEntry.size, hash });
  const entries = concat(
    entry(SEV_CMDLINE_HASH_GUID, commandLine),
    entry(SEV_INITRD_HASH_GUID, initrd),
    entry(SEV_KERNEL_HASH_GUID, kernel),
  );
  const len = HashesTableHeader.size + entries.length;
  return padTo(
    concat(HashesTableHeader.encode({ guid: SEV_HASH_TABLE_GUID, len }), entries),
    HASHES_TABLE_SIZE,
  );
}
