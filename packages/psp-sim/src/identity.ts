import { createHash } from 'node:crypto';
import type { Entropy } from '@sevlab/ambient/entropy';
import { KEY_ALGO, KEY_USAGE, type SevCertificate } from '@sevlab/codec/sev/certificate';
import { makeCertificate, signCertificate } from '@sevlab/sev-channel/certificate';
import { fromBigEndian, toBigEndian } from '@sevlab/sev-channel/integer';
import { kdf } from '@sevlab/sev-channel/kdf';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { generateKeyPair, type KeyPair, keyPairFromScalar, P384_ORDER } from '@sevlab/sev-channel/p384';

/** A key and the certificate of its public half. */
export interface Identity {
  readonly key: KeyPair;
  readonly certificate: SevCertificate;
}

/** Who a platform is: what INIT makes, or finds where the identity is stored. */
export interface PlatformIdentity {
  /** The owner's certificate authority. The key is there while the platform owns itself. */
  readonly oca: { readonly key: KeyPair | undefined; readonly certificate: SevCertificate };
  readonly pek: Identity;
  readonly pdh: Identity;
}

/**
 * The chip endorsement key, the same for every start of a chip: 56 bytes derived from the hash of the fused CUK
 * (32 bytes), as a little-endian number modulo n-1, plus one (firmware behaviour (Genoa 1.55)).
 */
export function deriveCek(cuk: Uint8Array, version: FirmwareVersion): Identity {
  const seed = createHash('sha256').update(cuk).digest();
  const wide = kdf(seed, 56, 'sev-chip-endorsement-key', new Uint8Array(0));
  const number = fromBigEndian(wide.slice().reverse());
  const scalar = (number % (P384_ORDER - 1n)) + 1n;
  const key = keyPairFromScalar(toBigEndian(scalar, 48));
  return { key, certificate: certify(key, KEY_USAGE.CEK, KEY_ALGO.ECDSA_SHA256, version) };
}

/** A self-owned identity: OCA signs itself and the PEK, the CEK signs the PEK too, the PEK signs the PDH. */
export function createIdentity(cek: Identity, version: FirmwareVersion, entropy: Entropy): PlatformIdentity {
  const ocaKey = generateKeyPair(entropy);
  const unsignedOca = certify(ocaKey, KEY_USAGE.OCA, KEY_ALGO.ECDSA_SHA256, version);
  const oca = { key: ocaKey, certificate: sign(unsignedOca, 1, KEY_USAGE.OCA, ocaKey, entropy) };

  const pekKey = generateKeyPair(entropy);
  const unsignedPek = certify(pekKey, KEY_USAGE.PEK, KEY_ALGO.ECDSA_SHA256, version);
  const byOca = sign(unsignedPek, 1, KEY_USAGE.OCA, ocaKey, entropy);
  const pek = { key: pekKey, certificate: sign(byOca, 2, KEY_USAGE.CEK, cek.key, entropy) };

  return { oca, pek, pdh: createPdh(pek, version, entropy) };
}

/** Whether somebody else's OCA signed the PEK: PEK_CERT_IMPORT brought it, and it stays until PEK_GEN. */
export const isExternallyOwned = ({ oca }: PlatformIdentity): boolean => oca.key === undefined;

/** A new Diffie-Hellman key under the same PEK. */
export function createPdh(pek: Identity, version: FirmwareVersion, entropy: Entropy): Identity {
  const key = generateKeyPair(entropy);
  const unsigned = certify(key, KEY_USAGE.PDH, KEY_ALGO.ECDH_SHA256, version);
  return { key, certificate: sign(unsigned, 1, KEY_USAGE.PEK, pek.key, entropy) };
}

const certify = (point: KeyPair, usage: number, algo: number, { apiMajor, apiMinor }: FirmwareVersion) =>
  makeCertificate({ usage, algo, apiMajor, apiMinor, point });

const sign = (certificate: SevCertificate, slot: 1 | 2, usage: number, { d }: KeyPair, entropy: Entropy) =>
  signCertificate(certificate, slot, { usage, d }, entropy);
