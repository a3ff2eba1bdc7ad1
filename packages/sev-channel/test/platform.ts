import { type Entropy, seededEntropy } from '@sevlab/ambient/entropy';
import {
  type AmdCertificate,
  decodeAmdCertificate,
  KEY_ALGO,
  KEY_USAGE,
  type SevCertificate,
} from '@sevlab/codec/sev/certificate';
import { signCek } from '../src/amd-certificate.ts';
import { makeCertificate, signCertificate } from '../src/certificate.ts';
import type { CertificateChain } from '../src/chain.ts';
import { EMULATED_ARK, EMULATED_ASK, emulatedAskPrivateKey } from '../src/emulated-root.ts';
import { generateKeyPair, type KeyPair } from '../src/p384.ts';

/** A platform under the emulated root, with its private keys. */
export interface Platform {
  readonly entropy: Entropy;
  readonly keys: Record<'cek' | 'oca' | 'pek' | 'pdh', KeyPair>;
  readonly chain: CertificateChain;
}

export const unsigned = (usage: number, algo: number, point: KeyPair): SevCertificate =>
  makeCertificate({ usage, algo, apiMajor: 1, apiMinor: 55, point });

export function makePlatform(seed: string): Platform {
  const entropy = seededEntropy(seed, 'platform');
  const cek = generateKeyPair(entropy);
  const oca = generateKeyPair(entropy);
  const pek = generateKeyPair(entropy);
  const pdh = generateKeyPair(entropy);
  const { ECDSA_SHA256, ECDH_SHA256 } = KEY_ALGO;
  const byOca = { usage: KEY_USAGE.OCA, d: oca.d };
  const ask: AmdCertificate = decodeAmdCertificate(EMULATED_ASK);
  const pekByOca = signCertificate(unsigned(KEY_USAGE.PEK, ECDSA_SHA256, pek), 1, byOca, entropy);
  return {
    entropy,
    keys: { cek, oca, pek, pdh },
    chain: {
      ark: decodeAmdCertificate(EMULATED_ARK),
      ask,
      cek: signCek(unsigned(KEY_USAGE.CEK, ECDSA_SHA256, cek), emulatedAskPrivateKey(), entropy),
      oca: signCertificate(unsigned(KEY_USAGE.OCA, ECDSA_SHA256, oca), 1, byOca, entropy),
      pek: signCertificate(pekByOca, 2, { usage: KEY_USAGE.CEK, d: cek.d }, entropy),
      pdh: signCertificate(
        unsigned(KEY_USAGE.PDH, ECDH_SHA256, pdh),
        1,
        { usage: KEY_USAGE.PEK, d: pek.d },
        entropy,
      ),
    },
  };
}
