import type { Entropy } from '@sevlab/ambient/entropy';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { makeCertificate } from '@sevlab/sev-channel/certificate';
import { generateKeyPair, type Point, sharedSecret } from '@sevlab/sev-channel/p384';
import { wrapSession } from '@sevlab/sev-channel/session';

/** Transport keys for one launch, and the two things that carry them to the platform. */
export interface SessionKeys {
  /** 16 bytes, as TIK. */
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
  /** The guest owner's Diffie-Hellman certificate, 0x824 bytes. */
  readonly godh: Uint8Array;
  /** 128 bytes. */
  readonly session: Uint8Array;
}

/** Draws TEK and TIK and wraps them for the holder of the PDH. `policy` has 32 bits; POLICY_MAC covers all of them. */
export function makeSession(pdh: Point, policy: number, entropy: Entropy): SessionKeys {
  const ownKey = generateKeyPair(entropy);
  const tek = entropy.bytes(16);
  const tik = entropy.bytes(16);
  const nonce = entropy.bytes(16);
  const wrapIv = entropy.bytes(16);
  const z = sharedSecret(ownKey.d, pdh);
  const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
  return {
    tek,
    tik,
    godh: SevCertificate.encode(makeCertificate({ ...usage, point: ownKey })), // nobody signs it: MACs do the work
    session: LaunchSession.encode(wrapSession({ z, nonce, wrapIv, tek, tik, policy })),
  };
}
