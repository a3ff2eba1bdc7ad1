import { type Spa, spa } from '@sevlab/codec/address';

/** Bytes. */
export const VMSA_SIZE = 0x1000;
/** How much of a VMSA its checksum covers, from the start, in bytes (firmware behaviour (Genoa 1.55)). */
const CHECKED_SIZE = 0xfc0;
/** Where the AMD-SP puts a zero and, behind it, the sPA of the cell that holds the checksum. */
const ZERO = 0x380;
const CELL = 0x388;

/** CRC-64 of ECMA-182. Which polynomial the hardware has is not published; nothing outside it can tell. */
const POLYNOMIAL = 0x42f0_e1eb_a9ea_3693n;
const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let remainder = BigInt(byte) << 56n;
  for (let bit = 0; bit < 8; bit++)
    remainder = BigInt.asUintN(64, remainder << 1n) ^ (remainder >> 63n === 1n ? POLYNOMIAL : 0n);
  return remainder;
});

/** What the cell of a VMSA, of VMSA_SIZE bytes, must hold. */
export function vmsaChecksum(vmsa: Uint8Array): bigint {
  let remainder = 0n;
  for (const byte of vmsa.subarray(0, CHECKED_SIZE))
    remainder = BigInt.asUintN(64, remainder << 8n) ^ TABLE[Number(remainder >> 56n) ^ byte]!;
  return remainder;
}

/** A copy of a VMSA, as LAUNCH_UPDATE_VMSA leaves it behind: it names its cell. */
export function vmsaWithCell(vmsa: Uint8Array, cell: Spa): Uint8Array {
  const prepared = vmsa.slice();
  const view = new DataView(prepared.buffer);
  view.setBigUint64(ZERO, 0n, true);
  view.setBigUint64(CELL, cell, true);
  return prepared;
}

/** The cell that a VMSA names. */
export const vmsaCell = (vmsa: Uint8Array): Spa =>
  spa(new DataView(vmsa.buffer, vmsa.byteOffset).getBigUint64(CELL, true));

/** What a cell holds: 8 bytes, little endian. */
export function encodeChecksum(checksum: bigint): Uint8Array {
  const cell = new Uint8Array(8);
  new DataView(cell.buffer).setBigUint64(0, checksum, true);
  return cell;
}
