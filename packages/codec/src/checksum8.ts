/** Bytes that add up to 0 modulo 256: how ACPI tables and SMBIOS entry points are checked. */

/**
 * A copy of `bytes` whose byte at `offset` makes all of them add up to 0; what was there does not count. Throws
 * RangeError for an offset outside of them.
 */
export function withChecksum8(bytes: Uint8Array, offset: number): Uint8Array {
  if (!Number.isInteger(offset) || offset < 0 || offset >= bytes.length) {
    throw new RangeError(`checksum: expected an offset from 0 to ${bytes.length - 1}, got ${offset}`);
  }
  const sealed = bytes.slice();
  sealed[offset] = 0;
  sealed[offset] = -sum8(sealed);
  return sealed;
}

/** The sum of all bytes modulo 256. */
export const sum8 = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
