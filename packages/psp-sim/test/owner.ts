import { type Entropy, seededEntropy } from '@sevlab/ambient/entropy';
import type { Spa } from '@sevlab/codec/address';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { InitExBuffer, PekCertImportBuffer, PekCsrBuffer } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { makeCertificate, signCertificate } from '@sevlab/sev-channel/certificate';
import { generateKeyPair, type KeyPair } from '@sevlab/sev-channel/p384';
import { expectSuccess, type Platform } from './platform.ts';

/** Somebody who owns platforms: a certificate authority of their own. */
export interface Owner {
  readonly key: KeyPair;
  readonly oca: SevCertificate;
  readonly entropy: Entropy;
}

export function createOwner(): Owner {
  const entropy = seededEntropy('test', 'owner');
  const key = generateKeyPair(entropy);
  const usage = { usage: KEY_USAGE.OCA, algo: KEY_ALGO.ECDSA_SHA256, apiMajor: 1, apiMinor: 0 };
  const unsigned = makeCertificate({ ...usage, point: key });
  return { key, oca: signCertificate(unsigned, 1, { usage: KEY_USAGE.OCA, d: key.d }, entropy), entropy };
}

/** What PEK_CSR writes. */
export function requestPek(platform: Platform): SevCertificate {
  const csrPaddr = platform.place(new Uint8Array(SevCertificate.size));
  expectSuccess(platform.run('PEK_CSR', PekCsrBuffer, { csrPaddr, csrLen: SevCertificate.size }).status);
  return SevCertificate.decode(platform.machine.host.memory.read(csrPaddr, SevCertificate.size));
}

/** The platform's PEK, signed by an owner in a slot. */
export const signPek = (owner: Owner, request: SevCertificate, slot: 1 | 2 = 1): SevCertificate =>
  signCertificate(request, slot, { usage: KEY_USAGE.OCA, d: owner.key.d }, owner.entropy);

/** A PEK_CERT_IMPORT buffer with two certificates in host memory. */
export const importBuffer = (
  platform: Platform,
  pek: SevCertificate,
  oca: SevCertificate,
): PekCertImportBuffer => ({
  pekPaddr: platform.place(SevCertificate.encode(pek)),
  pekLen: SevCertificate.size,
  ocaPaddr: platform.place(SevCertificate.encode(oca)),
  ocaLen: SevCertificate.size,
});

/** PEK_CERT_IMPORT of two certificates. */
export const importPek = (platform: Platform, pek: SevCertificate, oca: SevCertificate): SevStatus =>
  platform.run('PEK_CERT_IMPORT', PekCertImportBuffer, importBuffer(platform, pek, oca)).status;

/** An INIT_EX buffer without SEV-ES in which nothing is wrong. */
export const initExBuffer = (nvPaddr: Spa): InitExBuffer => ({
  length: InitExBuffer.size,
  flags: 0,
  reserved06: 0,
  tmrPaddr: nvPaddr,
  tmrLen: 0,
  reserved14: 0,
  nvPaddr,
  nvLen: 0x8000,
});
