import { at, bytes, reserved, struct, u32le, type ValueOf } from '../layout.ts';

/** What ATTESTATION writes. 208 bytes. */
export const AttestationReport = struct('ATTESTATION report', '55766, ATTESTATION', {
  mnonce: at(0x00, bytes(16), 'MNONCE of the command: whoever asks chooses it.'),
  launchDigest: at(0x10, bytes(32), 'Launch digest; zero for a guest that came from another platform.'),
  policy: at(0x30, u32le, 'Policy of the guest.'),
  sigUsage: at(0x34, u32le, 'Usage of the key that signed: PEK, 0x1002. Not signed.'),
  sigAlgo: at(0x38, u32le, 'ECDSA-SHA256, 2. Not signed.'),
  reserved3c: at(0x3c, reserved(4), ''),
  sigR: at(0x40, bytes(72), 'r of the signature, little endian, zero padded.'),
  sigS: at(0x88, bytes(72), 's of the signature, little endian, zero padded.'),
});
export type AttestationReport = ValueOf<typeof AttestationReport>;

/** How much of a report the signature covers, from its start. Bytes. */
export const ATTESTATION_SIGNED_SIZE = 0x34;
