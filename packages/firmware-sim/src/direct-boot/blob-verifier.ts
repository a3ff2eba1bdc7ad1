import { createHash } from 'node:crypto';
import { equal } from '@sevlab/codec/bytes';
import {
  type Guid,
  SEV_CMDLINE_HASH_GUID,
  SEV_HASH_TABLE_GUID,
  SEV_INITRD_HASH_GUID,
  SEV_KERNEL_HASH_GUID,
} from '@sevlab/codec/guid';
import { HashesTableHeader } from '@sevlab/codec/ovmf/hashes-table';

/** The three things that a host offers for direct boot, by the names that edk2 has for them. */
export type BlobName = 'kernel' | 'initrd' | 'cmdline';

/** How an image's verifier answers: `none` is built without one. The names are edk2-stable tags. */
export const VERIFIERS = ['none', '202108', '202408'] as const;
export type Verifier = (typeof VERIFIERS)[number];

/** What the verifier says of one blob. `hang`: the firmware never goes on. */
export interface BlobVerdict {
  readonly outcome: 'verified' | 'unverified' | 'refused' | 'hang';
  readonly reason: string;
}

const HASH_OF: Readonly<Record<BlobName, Guid>> = {
  kernel: SEV_KERNEL_HASH_GUID,
  initrd: SEV_INITRD_HASH_GUID,
  cmdline: SEV_CMDLINE_HASH_GUID,
};
const SHA256_SIZE = 32;

/**
 * The entries of the table in the hashes area, or undefined when the area holds none (edk2
 * OvmfPkg/AmdSev/BlobVerifierLibSevHashes/BlobVerifierSevHashes.c, BlobVerifierLibSevHashesConstructor). `area` is what
 * the guest reads there, as many bytes as the image announces.
 */
export function hashesEntries(area: Uint8Array): Uint8Array | undefined {
  if (area.length < HashesTableHeader.size) return undefined;
  const { guid, len } = HashesTableHeader.decodeAt(area, 0);
  if (guid !== SEV_HASH_TABLE_GUID || len < HashesTableHeader.size || len > area.length) return undefined;
  return area.slice(HashesTableHeader.size, len);
}

/**
 * Compares a blob with its entry (the same file, VerifyBlob). VERSION: since 202408 another hash hangs, and a blob that
 * no entry names is taken as it is; before, both were refused.
 */
export function verifyBlob(
  verifier: Verifier,
  entries: Uint8Array | undefined,
  name: BlobName,
  blob: Uint8Array,
): BlobVerdict {
  if (verifier === 'none') return { outcome: 'unverified', reason: 'this firmware verifies nothing' };
  if (entries === undefined || entries.length === 0)
    return { outcome: 'refused', reason: 'there is no table of hashes' };
  const since202408 = verifier === '202408';
  for (let at = 0; entries.length - at >= HashesTableHeader.size; ) {
    const { guid, len } = HashesTableHeader.decodeAt(entries, at);
    if (len > entries.length - at) break;
    if (guid === HASH_OF[name]) {
      const hash = entries.subarray(at + HashesTableHeader.size, at + len);
      if (len !== HashesTableHeader.size + SHA256_SIZE)
        return { outcome: 'refused', reason: `its entry has ${len} bytes; expected 50` };
      if (equal(hash, createHash('sha256').update(blob).digest()))
        return { outcome: 'verified', reason: 'its SHA-256 is the one in the measured table' };
      return {
        outcome: since202408 ? 'hang' : 'refused',
        reason: 'its SHA-256 is not the one in the measured table',
      };
    }
    if (len === 0) return { outcome: 'hang', reason: 'an entry of length 0 keeps the search in its place' };
    at += len;
  }
  return {
    outcome: since202408 ? 'unverified' : 'refused',
    reason: 'the table of hashes has no entry for it',
  };
}
