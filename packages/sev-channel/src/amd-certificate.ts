import type { KeyObject } from 'node:crypto';
import type { Entropy } from '@sevlab/ambient/entropy';
import { concat, padTo } from '@sevlab/codec/bytes';
import { type AmdCertificate, KEY_ALGO, KEY_USAGE, type SevCertificate } from '@sevlab/codec/sev/certificate';
import { certificateBody, signatureSlots, withSlot } from './certificate.ts';
import { pssHash, signPss, verifyPss } from './rsa-pss.ts';

const SHA384_SIZE = 48;
const SIGNATURE_FIELD = 0x200;

/** KEY_ID of AMD's roots, hexadecimal, and the parts that they are for (the ARKs that AMD's key server gives out). */
export const AMD_KEY_IDS: ReadonlyMap<string, string> = new Map([
  ['1bb987c359494606b174945601c9ea5b', 'Naples'],
  ['e6002122fb58419399d15fee7b131351', 'Rome'],
  ['94c38e4177d0479292a7ae671d083fb6', 'Milan'],
]);

/** Whether `parent`'s key made the certificate's signature. Neither key ids nor usages are looked at. */
export function verifyAmdCertificate(certificate: AmdCertificate, parent: AmdCertificate): boolean {
  return verifyPss(
    { exponent: parent.pubexp, modulus: parent.modulus },
    pssHash(parent.head.modulusSize),
    certificate.signed,
    certificate.signature,
  );
}

/** The certificate as it lies in a file. */
export const encodeAmdCertificate = ({ signed, signature }: AmdCertificate): Uint8Array =>
  concat(signed, signature);

/** Whether one of the CEK's slots holds a good signature by the ASK, with the algorithm of the ASK's key size. */
export function verifyCekSignature(cek: SevCertificate, ask: AmdCertificate): boolean {
  const hash = pssHash(ask.head.modulusSize);
  const askAlgo = hash === 'sha384' ? KEY_ALGO.RSA_SHA384 : KEY_ALGO.RSA_SHA256;
  const key = { exponent: ask.pubexp, modulus: ask.modulus };
  return signatureSlots(cek).some(
    ({ usage, algo, signature }) =>
      usage === KEY_USAGE.ASK &&
      algo === askAlgo &&
      verifyPss(key, hash, certificateBody(cek), signature.subarray(0, ask.modulus.length)),
  );
}

/** The CEK with a signature by a 4096-bit ASK in its first slot, as AMD's key server hands it out since Rome. */
export function signCek(cek: SevCertificate, askPrivateKey: KeyObject, entropy: Entropy): SevCertificate {
  const signature = signPss(askPrivateKey, certificateBody(cek), entropy.bytes(SHA384_SIZE));
  return withSlot(cek, 1, {
    usage: KEY_USAGE.ASK,
    algo: KEY_ALGO.RSA_SHA384,
    signature: padTo(signature, SIGNATURE_FIELD),
  });
}
