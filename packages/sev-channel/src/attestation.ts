import type { Entropy } from '@sevlab/ambient/entropy';
import { padTo } from '@sevlab/codec/bytes';
import { ATTESTATION_SIGNED_SIZE, AttestationReport } from '@sevlab/codec/sev/attestation';
import { KEY_ALGO, KEY_USAGE } from '@sevlab/codec/sev/certificate';
import { type Point, signEcdsa, verifyEcdsa } from './p384.ts';

const COORDINATE = 48;
const COORDINATE_FIELD = 72;

/**
 * An attestation report (55766, ATTESTATION). `launchDigest` is 32 bytes, `mnonce` 16 bytes; `d` is the private scalar
 * of the PEK. Throws LengthError for inputs of another size.
 */
export function signAttestation(
  attested: Pick<AttestationReport, 'mnonce' | 'launchDigest' | 'policy'>,
  d: Uint8Array,
  entropy: Entropy,
): AttestationReport {
  const unsigned: AttestationReport = {
    ...attested,
    sigUsage: KEY_USAGE.PEK,
    sigAlgo: KEY_ALGO.ECDSA_SHA256,
    sigR: new Uint8Array(COORDINATE_FIELD),
    sigS: new Uint8Array(COORDINATE_FIELD),
  };
  const { r, s } = signEcdsa(d, signedPart(unsigned), entropy);
  return {
    ...unsigned,
    sigR: padTo(r.toReversed(), COORDINATE_FIELD),
    sigS: padTo(s.toReversed(), COORDINATE_FIELD),
  };
}

/** Whether that PEK signed nonce, digest and policy of a report. Its usage and algorithm fields are not looked at. */
export function verifyAttestation(report: AttestationReport, pek: Point): boolean {
  const number = (field: Uint8Array): Uint8Array => field.slice(0, COORDINATE).reverse();
  return verifyEcdsa(pek, signedPart(report), { r: number(report.sigR), s: number(report.sigS) });
}

const signedPart = (report: AttestationReport): Uint8Array =>
  AttestationReport.encode(report).slice(0, ATTESTATION_SIGNED_SIZE);
