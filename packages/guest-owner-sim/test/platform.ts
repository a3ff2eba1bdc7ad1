import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { signCek } from '@sevlab/sev-channel/amd-certificate';
import { makeCertificate, signCertificate } from '@sevlab/sev-channel/certificate';
import { EMULATED_ARK, EMULATED_ASK, emulatedAskPrivateKey } from '@sevlab/sev-channel/emulated-root';
import { generateKeyPair, type KeyPair } from '@sevlab/sev-channel/p384';
import { createGuestOwner, type GuestOwner, type Intent } from '../src/guest-owner.ts';
import type { CertificateFiles } from '../src/verify-platform.ts';

/** A platform under the emulated root: what its host passes on, and the private half of its PDH. */
export function makePlatform(seed: string): {
  files: CertificateFiles;
  pdh: KeyPair;
  unsignedCek: Uint8Array;
} {
  const entropy = seededEntropy(seed, 'platform');
  const [cek, oca, pek, pdh] = [
    generateKeyPair(entropy),
    generateKeyPair(entropy),
    generateKeyPair(entropy),
    generateKeyPair(entropy),
  ];
  const { ECDSA_SHA256, ECDH_SHA256 } = KEY_ALGO;
  const certify = (usage: number, algo: number, point: KeyPair) =>
    makeCertificate({ usage, algo, apiMajor: 1, apiMinor: 55, point });
  const byOca = { usage: KEY_USAGE.OCA, d: oca.d };
  const byPek = { usage: KEY_USAGE.PEK, d: pek.d };
  const bareCek = certify(KEY_USAGE.CEK, ECDSA_SHA256, cek);
  const pekByOca = signCertificate(certify(KEY_USAGE.PEK, ECDSA_SHA256, pek), 1, byOca, entropy);
  const pekByBoth = signCertificate(pekByOca, 2, { usage: KEY_USAGE.CEK, d: cek.d }, entropy);
  return {
    pdh,
    unsignedCek: SevCertificate.encode(bareCek),
    files: {
      ark: EMULATED_ARK,
      ask: EMULATED_ASK,
      cek: SevCertificate.encode(signCek(bareCek, emulatedAskPrivateKey(), entropy)),
      oca: SevCertificate.encode(
        signCertificate(certify(KEY_USAGE.OCA, ECDSA_SHA256, oca), 1, byOca, entropy),
      ),
      pek: SevCertificate.encode(pekByBoth),
      pdh: SevCertificate.encode(
        signCertificate(certify(KEY_USAGE.PDH, ECDH_SHA256, pdh), 1, byPek, entropy),
      ),
    },
  };
}

/** A guest owner that records what it says. */
export function makeOwner(intent: Partial<Intent> = {}): GuestOwner {
  const complete = {
    trustedArk: EMULATED_ARK,
    policy: 1,
    launch: { image: new Uint8Array(4096) },
    ...intent,
  };
  return createGuestOwner(complete, seededEntropy('test', 'guest-owner'), createObserver({ record: true }));
}

/** A copy with one byte changed; a negative offset counts from the end. */
export function spoil(bytes: Uint8Array, offset: number): Uint8Array {
  const spoiled = bytes.slice();
  spoiled[offset < 0 ? bytes.length + offset : offset]! ^= 1;
  return spoiled;
}
