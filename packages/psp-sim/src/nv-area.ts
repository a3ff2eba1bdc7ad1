import { createCipheriv } from 'node:crypto';
import type { Entropy } from '@sevlab/ambient/entropy';
import { equal, utf8 } from '@sevlab/codec/bytes';
import { at, bytes, struct } from '@sevlab/codec/layout';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { kdf } from '@sevlab/sev-channel/kdf';
import { hmacSha256, macEqual } from '@sevlab/sev-channel/mac';
import { type KeyPair, keyPairFromScalar } from '@sevlab/sev-channel/p384';
import type { Identity, PlatformIdentity } from './identity.ts';

/**
 * The area in system memory where INIT_EX keeps the identity. The host holds it, can give an old copy back, and can
 * neither read nor change it. DEVIATION: only the size of the area, and that FF means empty, are known of the real
 * firmware (firmware behaviour (Genoa 1.55)); the record in it is our own: AES-256-CTR and HMAC-SHA-256 under keys of
 * the CUK.
 */

/** Bytes (55766, INIT_EX). */
export const NV_AREA_SIZE = 0x8000;

const SCALAR = 48;
/** Stands for the key of an OCA that is somebody else's. */
const NO_KEY = new Uint8Array(SCALAR);

const NvPlain = struct('identity in the NV area', 'sevlab', {
  ocaKey: at(
    0x0000,
    bytes(SCALAR),
    'Private scalar, big endian; zero when the platform is externally owned.',
  ),
  ocaCertificate: at(0x0030, bytes(SevCertificate.size), 'OCA certificate.'),
  pekKey: at(0x0854, bytes(SCALAR), 'Private scalar, big endian.'),
  pekCertificate: at(0x0884, bytes(SevCertificate.size), 'PEK certificate.'),
  pdhKey: at(0x10a8, bytes(SCALAR), 'Private scalar, big endian.'),
  pdhCertificate: at(0x10d8, bytes(SevCertificate.size), 'PDH certificate.'),
});

/** What lies at the start of the area. */
const NvRecord = struct('identity record of the NV area', 'sevlab', {
  magic: at(0x00, bytes(4), 'SEVI.'),
  iv: at(0x04, bytes(16), 'First counter block, drawn for each record.'),
  ciphertext: at(0x14, bytes(NvPlain.size), 'The identity, AES-256-CTR.'),
  mac: at(0x1910, bytes(32), 'HMAC-SHA-256 over everything before it.'),
});

/** Bytes of the record; those behind it mean nothing. */
export const NV_RECORD_SIZE: number = NvRecord.size;

const MAGIC = utf8('SEVI');

/** Whether an area was never written, or erased: it starts with four bytes of FF. */
export const isEmpty = (area: Uint8Array): boolean => area.subarray(0, 4).every((byte) => byte === 0xff);

/** An area that was erased. */
export const emptyNvArea = (): Uint8Array => new Uint8Array(NV_AREA_SIZE).fill(0xff);

/** The record of an identity, for the chip with that CUK (32 bytes). */
export function sealIdentity(cuk: Uint8Array, identity: PlatformIdentity, entropy: Entropy): Uint8Array {
  const { oca, pek, pdh } = identity;
  const plain = NvPlain.encode({
    ocaKey: oca.key?.d ?? NO_KEY,
    ocaCertificate: SevCertificate.encode(oca.certificate),
    pekKey: pek.key.d,
    pekCertificate: SevCertificate.encode(pek.certificate),
    pdhKey: pdh.key.d,
    pdhCertificate: SevCertificate.encode(pdh.certificate),
  });
  const iv = entropy.bytes(16);
  const keys = areaKeys(cuk);
  const ciphertext = aes256Ctr(keys.encryption, iv, plain);
  return NvRecord.encode({ magic: MAGIC, iv, ciphertext, mac: hmacSha256(keys.mac, MAGIC, iv, ciphertext) });
}

/** The identity in an area that is not empty; undefined when it is not what this chip wrote. */
export function openIdentity(cuk: Uint8Array, area: Uint8Array): PlatformIdentity | undefined {
  const { magic, iv, ciphertext, mac } = NvRecord.decodeAt(area, 0);
  const keys = areaKeys(cuk);
  if (!macEqual(mac, hmacSha256(keys.mac, magic, iv, ciphertext))) return undefined;
  const { ocaKey, ocaCertificate, pekKey, pekCertificate, pdhKey, pdhCertificate } = NvPlain.decode(
    aes256Ctr(keys.encryption, iv, ciphertext),
  );
  return {
    oca: {
      key: equal(ocaKey, NO_KEY) ? undefined : keyPairFromScalar(ocaKey),
      certificate: SevCertificate.decode(ocaCertificate),
    },
    pek: identityOf(keyPairFromScalar(pekKey), pekCertificate),
    pdh: identityOf(keyPairFromScalar(pdhKey), pdhCertificate),
  };
}

function areaKeys(cuk: Uint8Array): { readonly encryption: Uint8Array; readonly mac: Uint8Array } {
  const keys = kdf(cuk, 64, 'sevlab-nv-area', new Uint8Array(0));
  return { encryption: keys.slice(0, 32), mac: keys.slice(32) };
}

/** Encrypts, and decrypts just the same. */
const aes256Ctr = (key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array =>
  new Uint8Array(createCipheriv('aes-256-ctr', key, iv).update(data));

const identityOf = (key: KeyPair, certificate: Uint8Array): Identity => ({
  key,
  certificate: SevCertificate.decode(certificate),
});
