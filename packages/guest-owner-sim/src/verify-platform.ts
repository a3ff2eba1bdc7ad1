import { LengthError } from '@sevlab/codec/layout';
import { decodeAmdCertificate, SevCertificate } from '@sevlab/codec/sev/certificate';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { type CertificateChain, verifyChain } from '@sevlab/sev-channel/chain';
import type { Point } from '@sevlab/sev-channel/p384';
import type { Verdict } from './verdict.ts';

/** Certificates as a host passes them on, each as its bytes. */
export interface CertificateFiles {
  readonly pdh: Uint8Array;
  readonly pek: Uint8Array;
  readonly oca: Uint8Array;
  /** With AMD's signature, as the key distribution service gives it. */
  readonly cek: Uint8Array;
  readonly ask: Uint8Array;
  readonly ark: Uint8Array;
}

/**
 * The PDH's public key, if everything between it and the trusted root holds. `trustedArk` is an AMD certificate, byte
 * for byte. The reason of a refusal names the certificate or the link.
 */
export function verifyPlatform(files: CertificateFiles, trustedArk: Uint8Array): Verdict<Point> {
  const chain = decodeChain(files);
  if (typeof chain === 'string') return { accepted: false, reason: chain };
  const verdict = verifyChain(chain, trustedArk);
  if (!verdict.accepted) return verdict;
  const point = decodePoint(chain.pdh.pubkey);
  return point === undefined
    ? { accepted: false, reason: 'PDH: expected a point of P-384, got a key that is none' }
    : { accepted: true, value: point };
}

/** The certificates, taken apart from the root down, or what is wrong with the first one that is malformed. */
function decodeChain(files: CertificateFiles): CertificateChain | string {
  let name: keyof CertificateFiles = 'ark';
  const sev = (of: 'cek' | 'oca' | 'pek' | 'pdh') => {
    name = of;
    return SevCertificate.decode(files[of]);
  };
  const amd = (of: 'ark' | 'ask') => {
    name = of;
    return decodeAmdCertificate(files[of]);
  };
  try {
    const [ark, ask] = [amd('ark'), amd('ask')];
    return { ark, ask, cek: sev('cek'), oca: sev('oca'), pek: sev('pek'), pdh: sev('pdh') };
  } catch (error) {
    if (!(error instanceof LengthError || error instanceof RangeError)) throw error;
    return `${name.toUpperCase()}: ${error.message}`;
  }
}
