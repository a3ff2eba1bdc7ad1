import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat, fromHex, utf8 } from '@sevlab/codec/bytes';
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
import { generateKeyPair, type KeyPair, type Point, sharedSecret } from '@sevlab/sev-channel/p384';
import { policyMac, unwrapSession, wrapSession } from '@sevlab/sev-channel/session';
import type { CertificateChange, ImportChange, PacketChange, SessionChange } from '../case.ts';
import { GivenNotReached } from '../target.ts';
import { faultyCertificate, flipBit } from './faulty-certificate.ts';

/** The keys of a trusted channel, 16 bytes each. */
export interface Keys {
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
}

const both = (tek: number, tik: number): Keys => ({
  tek: new Uint8Array(16).fill(tek),
  tik: new Uint8Array(16).fill(tik),
});
/** What every session of a case carries. */
export const KEYS: Keys = both(0x11, 0x22);
const OTHER_KEYS: Keys = both(0x66, 0x77);
/** What a guest has that was launched without a session. */
export const NO_KEYS: Keys = both(0, 0);

/** Those that a change asks for. */
export function keysOf(change: 'other' | 'zeros' | undefined): Keys {
  if (change === 'other') return OTHER_KEYS;
  return change === 'zeros' ? NO_KEYS : KEYS;
}

/** A guest owner that trusts every platform and makes every mistake that a case asks for. */
export interface Tenant {
  /** Its Diffie-Hellman certificate, with what a case changes in it. */
  certificate(change?: CertificateChange): Uint8Array;
  session(policy: number, change?: SessionChange): Uint8Array;
  /** The keys of a session that was made for it, or undefined when its MAC is wrong. */
  unwrap(session: Uint8Array): Keys | undefined;
}

/**
 * `pdh` is the platform's certificate, 0x824 bytes; `z` asks for a key with which the shared secret starts with a
 * byte of zero. Throws GivenNotReached when the PDH's key is no point.
 */
export function createTenant(pdh: Uint8Array, z?: SessionChange['z']): Tenant {
  const point = decodePoint(SevCertificate.decode(pdh).pubkey);
  if (point === undefined) throw new GivenNotReached('the exported PDH is no point of P-384');
  const key = z === undefined ? ownerKey(0) : keyWithZeroFirst(point);
  const shared = sharedSecret(key.d, point);
  return {
    certificate: (change) => dhCertificate(key, change),
    session: (policy, change) => LaunchSession.encode(faultySession(shared, policy, change)),
    unwrap: (session) => unwrapSession(shared, LaunchSession.decode(session)),
  };
}

const ownerKey = (number: number): KeyPair =>
  generateKeyPair(seededEntropy('conformance', number === 0 ? 'guest-owner' : `guest-owner ${number}`));

/** One key in 256 will do. The first that does for the emulator's PDH has this number, so that one is tried first. */
const LIKELY = 344;

function keyWithZeroFirst(point: Point): KeyPair {
  for (let number = LIKELY; ; number++) {
    const key = ownerKey(number);
    if (sharedSecret(key.d, point)[0] === 0) return key;
  }
}

function dhCertificate(key: KeyPair, change?: CertificateChange): Uint8Array {
  const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
  const sound = makeCertificate({ ...usage, point: key });
  return SevCertificate.encode(faultyCertificate(sound, { usage: KEY_USAGE.PEK, d: key.d }, change));
}

function faultySession(z: Uint8Array, policy: number, change: SessionChange = {}): LaunchSession {
  const nonce = new Uint8Array(16).fill(0x33);
  const wrapIv = new Uint8Array(16).fill(0x44);
  const { tek, tik } = keysOf(change.keys);
  const session =
    change.derivation === 'big-endian counter'
      ? wrapWithBigEndianCounter({ z, nonce, wrapIv, tek, tik, policy })
      : wrapSession({
          ...{ nonce, wrapIv, tek, tik, policy },
          z: change.derivation === 'little-endian Z' ? z.toReversed() : z,
        });
  if (change.flip !== undefined) flipBit(session[change.flip.part], change.flip.bit);
  return session;
}

/** wrapSession as a library would do it that counts and measures with the usual byte order of SP 800-108. */
function wrapWithBigEndianCounter(input: Parameters<typeof wrapSession>[0]): LaunchSession {
  const { z, nonce, wrapIv, tek, tik, policy } = input;
  const derive = (key: Uint8Array, label: string, context: Uint8Array) =>
    hmacSha256(
      key,
      ...[Uint8Array.of(0, 0, 0, 1), utf8(label), Uint8Array.of(0), context, Uint8Array.of(0, 0, 0, 128)],
    ).slice(0, 16);
  const master = derive(z, 'sev-master-secret', nonce);
  const none = new Uint8Array(0);
  const wrapTk = aes128Ctr(derive(master, 'sev-kek', none), wrapIv, concat(tek, tik));
  const wrapMac = hmacSha256(derive(master, 'sev-kik', none), wrapTk);
  return { nonce, wrapTk, wrapIv, wrapMac, policyMac: policyMac(tik, policy) };
}

/** An owner with a certificate authority of its own: an OCA, and the CSR signed by it. */
export function faultyImport(
  csr: SevCertificate,
  change: ImportChange = {},
): { oca: Uint8Array; pek: Uint8Array } {
  const key = generateKeyPair(seededEntropy('conformance', 'owner-ca'));
  const signer = { usage: KEY_USAGE.OCA, d: key.d };
  const usage = { usage: KEY_USAGE.OCA, algo: KEY_ALGO.ECDSA_SHA256, apiMajor: 0, apiMinor: 0 };
  const sound = makeCertificate({ ...usage, point: key });
  return {
    oca: SevCertificate.encode(faultyCertificate(sound, signer, change.oca, ['good', 'empty'])),
    pek: SevCertificate.encode(faultyCertificate(csr, signer, change.pek, ['good', 'empty'])),
  };
}

/** A packet: its header, and its encrypted data. */
export interface Packet {
  readonly header: Uint8Array;
  readonly data: Uint8Array;
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
): Packet {
  const iv = change.iv === undefined ? new Uint8Array(16).fill(0x55) : fromHex(change.iv);
  const { tek, tik } = keysOf(change.keys);
  const flags = Number(change.flags ?? 0);
  const data = aes128Ctr(tek, iv, plaintext);

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
  return flipped({ header: PacketHeader.encode({ flags, iv, mac: hmacSha256(tik, input) }), data }, change);
}

/** The packet with the bit changed that a case wants changed. */
export function flipped({ header, data }: Packet, { flip }: PacketChange): Packet {
  const changed = { header: header.slice(), data: data.slice() };
  if (flip === undefined) return changed;
  const parts = {
    'header.flags': changed.header.subarray(0, 4),
    'header.iv': changed.header.subarray(4, 20),
    'header.mac': changed.header.subarray(20, 52),
    data: changed.data,
  };
  flipBit(parts[flip.part], flip.bit);
  return changed;
}
