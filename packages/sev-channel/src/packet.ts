import { padTo } from '@sevlab/codec/bytes';
import { type PacketHeader, packetMacInput, transportMacInput } from '@sevlab/codec/sev/packet';
import { aes128Ctr } from './aes-ctr.ts';
import { hmacSha256 } from './mac.ts';

const BLOCK = 16;

/**
 * A LAUNCH_SECRET packet (55766, LAUNCH_SECRET). The plaintext is padded with zeros to a multiple of 16 bytes, at
 * least 16, and the MAC takes that length as GUEST_LEN. `measure` is the 32-byte MEASURE of the launch, without
 * MNONCE; undefined for firmware that does not bind packets to a launch (see `bindsLaunch`). `iv` is 16 bytes that
 * must not have been used with this TEK before.
 */
export function sealPacket(input: {
  tek: Uint8Array;
  tik: Uint8Array;
  measure: Uint8Array | undefined;
  iv: Uint8Array;
  flags?: number;
  plaintext: Uint8Array;
}): { header: PacketHeader; data: Uint8Array } {
  const { tek, tik, measure, iv, flags = 0, plaintext } = input;
  const guestLen = Math.max(BLOCK, Math.ceil(plaintext.length / BLOCK) * BLOCK);
  const data = aes128Ctr(tek, iv, padTo(plaintext, guestLen));
  const mac = packetMac({ tik, measure, header: { flags, iv }, guestLen, data });
  return { header: { flags, iv, mac }, data };
}

/** The MAC that the header of a packet must hold. `guestLen` is GUEST_LEN of the command, in bytes. 32 bytes. */
export function packetMac(input: {
  tik: Uint8Array;
  measure: Uint8Array | undefined;
  header: { flags: number; iv: Uint8Array };
  guestLen: number;
  data: Uint8Array;
}): Uint8Array {
  return hmacSha256(input.tik, packetMacInput(input.header, input.guestLen, input.data, input.measure));
}

/**
 * The MAC of a packet of a migration (55766, SEND_UPDATE_DATA). It is bound to no launch: there is no measurement
 * in it. `context` is 2 for data; for a VMSA firmware versions differ. 32 bytes.
 */
export function transportMac(input: {
  tik: Uint8Array;
  context: 2 | 3;
  header: { flags: number; iv: Uint8Array };
  guestLen: number;
  data: Uint8Array;
}): Uint8Array {
  const { tik, context, header, guestLen, data } = input;
  return hmacSha256(tik, transportMacInput(context, header, guestLen, data));
}

/** A packet of a migration. `plaintext` is a multiple of 16 bytes; `iv` was not used with this TEK before. */
export function sealTransport(input: {
  tek: Uint8Array;
  tik: Uint8Array;
  context: 2 | 3;
  iv: Uint8Array;
  plaintext: Uint8Array;
}): { header: PacketHeader; data: Uint8Array } {
  const { tek, tik, context, iv, plaintext } = input;
  const data = aes128Ctr(tek, iv, plaintext);
  const header = { flags: 0, iv };
  return {
    header: { ...header, mac: transportMac({ tik, context, header, guestLen: data.length, data }) },
    data,
  };
}

/** The plaintext with its padding. Nothing is verified: see `packetMac`. */
export const decryptPacket = (tek: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array =>
  aes128Ctr(tek, iv, data);
