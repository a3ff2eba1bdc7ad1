import type { Entropy } from '@sevlab/ambient/entropy';
import { decodeAmdCertificate, SevCertificate } from '@sevlab/codec/sev/certificate';
import { signCek } from '@sevlab/sev-channel/amd-certificate';
import { EMULATED_ARK, EMULATED_ASK, emulatedAskPrivateKey } from '@sevlab/sev-channel/emulated-root';
import type { Authority } from './certificate-file.ts';

/** ASK and ARK of emulated platforms. */
export const EMULATED_AUTHORITY: Authority = {
  ask: decodeAmdCertificate(EMULATED_ASK),
  ark: decodeAmdCertificate(EMULATED_ARK),
};

/**
 * What AMD's key distribution service is to real platforms: it signs the endorsement key of a chip. The keys are
 * public on purpose, and their names cannot be taken for AMD's.
 */
export function endorse(
  cek: Uint8Array,
  entropy: Entropy,
): { cek: Uint8Array; ask: Uint8Array; ark: Uint8Array } {
  const signed = signCek(SevCertificate.decode(cek), emulatedAskPrivateKey(), entropy);
  return { cek: SevCertificate.encode(signed), ask: EMULATED_ASK, ark: EMULATED_ARK };
}
