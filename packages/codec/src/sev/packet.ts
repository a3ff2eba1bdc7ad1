import { concat } from '../bytes.ts';
import { at, bytes, struct, u8, u32le, type ValueOf } from '../layout.ts';

/** In front of the encrypted data of a LAUNCH_SECRET packet. 52 bytes. */
export const PacketHeader = struct('LAUNCH_SECRET packet header', '55766, LAUNCH_SECRET', {
  flags: at(0x00, u32le, 'FLAGS. Bit 0: COMPRESSED; the others are authenticated and not looked at.'),
  iv: at(0x04, bytes(16), 'IV: initial counter block of AES-128-CTR under the TEK.'),
  mac: at(0x14, bytes(32), 'MAC: HMAC-SHA-256 under the TIK.'),
});
export type PacketHeader = ValueOf<typeof PacketHeader>;

/** FLAGS bit 0. */
export const COMPRESSED = 1;

/** The first byte of what is authenticated says which command the packet is for. */
export const LAUNCH_SECRET_CONTEXT = 0x01;

/** A packet of a migration, of data or of a VMSA: firmware 1.55 tells them apart by nothing, see the profile. */
export const TRANSPORT_CONTEXT = 0x02;

/** The fixed part of what the MAC of a packet covers. 29 bytes. */
export const PacketMacPrefix = struct('LAUNCH_SECRET authenticated prefix', '55766, LAUNCH_SECRET', {
  context: at(0x00, u8, '1 for LAUNCH_SECRET, 2 or 3 for a migration.'),
  flags: at(0x01, u32le, 'FLAGS of the header.'),
  iv: at(0x05, bytes(16), 'IV of the header.'),
  guestLen: at(0x15, u32le, 'GUEST_LEN of the command, in bytes.'),
  transLen: at(0x19, u32le, 'TRANS_LEN of the command, in bytes.'),
});

/**
 * Everything that the MAC covers: the prefix, the encrypted data, and the 32-byte MEASURE of this launch.
 * `measure` is absent for firmware before API 0.17, which did not bind a packet to a launch.
 */
export function packetMacInput(
  header: { flags: number; iv: Uint8Array },
  guestLen: number,
  data: Uint8Array,
  measure: Uint8Array | undefined,
): Uint8Array {
  const prefix = PacketMacPrefix.encode({
    context: LAUNCH_SECRET_CONTEXT,
    flags: header.flags,
    iv: header.iv,
    guestLen,
    transLen: data.length,
  });
  return concat(prefix, data, measure ?? new Uint8Array(0));
}

/** Everything that the MAC of a packet of a migration covers: the prefix and the encrypted data. */
export function transportMacInput(
  context: 2 | 3,
  header: { flags: number; iv: Uint8Array },
  guestLen: number,
  data: Uint8Array,
): Uint8Array {
  const { flags, iv } = header;
  return concat(PacketMacPrefix.encode({ context, flags, iv, guestLen, transLen: data.length }), data);
}
