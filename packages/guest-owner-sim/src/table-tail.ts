import { concat, padTo } from '@sevlab/codec/bytes';
import {
  encodeSecretTable,
  readSecretTable,
  type Secret,
  SecretHeader,
} from '@sevlab/codec/efi/secret-table';

const BLOCK = 16;

/**
 * What producers of secret tables put behind the last entry, since a packet has whole blocks of 16 bytes. The kernel
 * reads all three alike.
 *
 * - `sevctl` (simple-kbs too): 0 to 15 zeros, which the length in the header does not count.
 * - `virt-qemu-sev-validate`: 1 to 16 zeros, not counted either: a whole block where none is needed.
 * - `aleph` (aleph-sdk-python): 0 to 15 zeros that the length counts, and a NUL behind each secret.
 */
export const TABLE_TAILS = ['sevctl', 'virt-qemu-sev-validate', 'aleph'] as const;
export type TableTail = (typeof TABLE_TAILS)[number];

/** The plaintext of a packet: the table, and its tail. Throws RangeError as encodeSecretTable. */
export function encodeTableWithTail(secrets: readonly Secret[], tail: TableTail): Uint8Array {
  if (tail === 'aleph') {
    const table = encodeSecretTable(secrets.map(({ guid, data }) => ({ guid, data: concat(data, NUL) })));
    const padded = padTo(table, wholeBlocks(table.length));
    const { guid } = SecretHeader.decodeAt(padded, 0);
    padded.set(SecretHeader.encode({ guid, len: padded.length }));
    return padded;
  }
  const table = encodeSecretTable(secrets);
  return padTo(table, wholeBlocks(tail === 'sevctl' ? table.length : table.length + 1));
}

const NUL = Uint8Array.of(0);

const wholeBlocks = (length: number): number => Math.ceil(length / BLOCK) * BLOCK;

/**
 * Whose tail a plaintext may have: of several that end alike, all. Empty when it is nobody's, or when the plaintext is no
 * sound table.
 */
export function tailsOf(plaintext: Uint8Array): readonly TableTail[] {
  const { header, entries, error } = readSecretTable(plaintext);
  if (header === undefined || error !== undefined) return [];
  const last = entries.at(-1);
  const end = last === undefined ? SecretHeader.size : last.offset + last.len;
  const rest = plaintext.subarray(end);
  if (rest.some((byte) => byte !== 0)) return [];
  const counted = header.len === plaintext.length;
  return TABLE_TAILS.filter((tail) => {
    if (tail === 'aleph')
      return counted && rest.length < BLOCK && entries.every(({ data }) => data.at(-1) === 0);
    if (header.len !== end) return false;
    return tail === 'sevctl' ? rest.length < BLOCK : rest.length >= 1 && rest.length <= BLOCK;
  });
}
