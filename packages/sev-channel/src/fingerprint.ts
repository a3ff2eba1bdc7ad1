import { createHash } from 'node:crypto';
import type { AmdCertificate, SevCertificate } from '@sevlab/codec/sev/certificate';
import { certificateBody } from './certificate.ts';
import { pssHash } from './rsa-pss.ts';

/** A hash of the signed part of a SEV certificate, so that its signatures do not change it; as sevctl 0.6.2 prints. */
export const sevFingerprint = (certificate: SevCertificate): Uint8Array =>
  new Uint8Array(createHash('sha256').update(certificateBody(certificate)).digest());

/** A hash of the signed part of an AMD certificate: SHA-384 for a key of 4096 bits, as sevctl 0.6.2 prints. */
export const amdFingerprint = ({ head, signed }: AmdCertificate): Uint8Array =>
  new Uint8Array(createHash(pssHash(head.modulusSize)).update(signed).digest());
