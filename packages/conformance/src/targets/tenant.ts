import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat } from '@sevlab/codec/bytes';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  LAUNCH_SECRET_CONTEXT,
  PacketHeader,
  PacketMacPrefix,
  packetMacInput,
} from '@sevlab/codec/sev/packet';
import { type LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import { aes128Ctr } from '@sevlab/sev-channel/aes-ctr';
import { decodePoint, makeCertificate } from '@sevlab/sev-channel/certificate';
import { hmacSha256 } from '@sevlab/sev-channel/mac';
import { generateKeyPair, sharedSecret } from '@sevlab/sev-channel/p384';
import { wrapSession } from '@sevlab/sev-channel/session';
import type { PacketChange, SessionChange } from '../case.ts';
import { GivenNotReached } from '../target.ts';

const TEK = new Uint8Array(16).fill(0x11);
/** 16 bytes, the same in every case; the examiner computes measurements with it. */
export const TIK: Uint8Array = new Uint8Array(16).fill(0x22);

/** A guest owner that trusts every platform and makes every mistake that a case asks for. */
export interface Tenant {
  /** Its Diffie-Hellman certificate. */
  readonly certificate: Uint8Array;
  session(policy: number, change?: SessionChange): Uint8Array;
}

/** `pdh` is the platform's certificate, 0x824 bytes. Throws GivenNotReached when its key is no point. */
export function createTenant(pdh: Uint8Array): Tenant {
  const point = decodePoint(SevCertificate.decode(pdh).pubkey);
  if (point === undefined) throw new GivenNotReached('the exported PDH is no point of P-384');
  const key = generateKeyPair(seededEntropy('conformance', 'guest-owner'));
  const z = sharedSecret(key.d, point);
  const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
  return {
    certificate: SevCertificate.encode(makeCertificate({ ...usage, point: key })),
    session(policy, change) {
      const session = wrapSession({
        z,
        nonce: new Uint8Array(16).fill(0x33),
        wrapIv: new Uint8Array(16).fill(0x44),
        tek: TEK,
        tik: TIK,
        policy,
      });
      if (change?.flip !== undefined) flipBit(session[change.flip.part], change.flip.bit);
      return LaunchSession.encode(session);
    },
  };
}

/**
 * A packet of that plaintext, in whole blocks. `bound` says whether the firmware wants the measurement under the MAC.
 * A guest that was not measured has none: zeros stand for it.
 */
export function sealFaulty(
  plaintext: Uint8Array,
  measurement: LaunchMeasurement | undefined,
  bound: boolean,
  change: PacketChange = {},
): { header: Uint8Array; data: Uint8Array } {
  const iv = new Uint8Array(16).fill(0x55);
  const flags = Number(change.flags ?? 0);
  const data = aes128Ctr(TEK, iv, plaintext);

  const { measure = new Uint8Array(32), mnonce = new Uint8Array(16) } = measurement ?? {};
  const authenticated = {
    none: undefined,
    other: measure.map((byte) => byte ^ 0xff),
    'with-mnonce': concat(measure, mnonce),
    default: bound ? measure : undefined,
  }[change.measure ?? 'default'];
  const input = packetMacInput({ flags, iv }, data.length, data, authenticated);
  input[0] = change.context ?? LAUNCH_SECRET_CONTEXT;
  if (change.lengths === 'big-endian') {
    const lengths = PacketMacPrefix.size - 8;
    input.subarray(lengths, lengths + 4).reverse();
    input.subarray(lengths + 4, lengths + 8).reverse();
  }

  const header = PacketHeader.encode({ flags, iv, mac: hmacSha256(TIK, input) });
  if (change.flip !== undefined) {
    const { part, bit } = change.flip;
    const parts = {
      'header.flags': header.subarray(0, 4),
      'header.iv': header.subarray(4, 20),
      'header.mac': header.subarray(20, 52),
      data,
    };
    flipBit(parts[part], bit);
  }
  return { header, data };
}

/** Changes one bit; bit 0 is the lowest of the first byte. */
export function flipBit(bytes: Uint8Array, bit: number): void {
  const at = Math.floor(bit / 8);
  if (at >= bytes.length) throw new RangeError(`bit ${bit} lies outside ${bytes.length} bytes`);
  bytes[at]! ^= 1 << (bit % 8);
}
