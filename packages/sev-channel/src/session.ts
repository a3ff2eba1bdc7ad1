import { concat } from '@sevlab/codec/bytes';
import type { LaunchSession } from '@sevlab/codec/sev/session';
import { aes128Ctr } from './aes-ctr.ts';
import { littleEndian32 } from './integer.ts';
import { kdf } from './kdf.ts';
import { hmacSha256, macEqual } from './mac.ts';

/**
 * The keys that wrap a launch session (55766, LAUNCH_START). `z` is the shared X coordinate, 48 bytes big endian;
 * `nonce` is NONCE, 16 bytes. 16 bytes each.
 */
export function deriveSessionKeys(z: Uint8Array, nonce: Uint8Array): { kek: Uint8Array; kik: Uint8Array } {
  const master = kdf(z, 16, 'sev-master-secret', nonce);
  const none = new Uint8Array(0);
  return { kek: kdf(master, 16, 'sev-kek', none), kik: kdf(master, 16, 'sev-kik', none) };
}

/** What the guest owner sends: TEK and TIK (16 bytes each) for the holder of the other half of `z`. */
export function wrapSession(input: {
  z: Uint8Array;
  nonce: Uint8Array;
  wrapIv: Uint8Array;
  tek: Uint8Array;
  tik: Uint8Array;
  policy: number;
}): LaunchSession {
  const { nonce, wrapIv, tek, tik } = input;
  const { kek, kik } = deriveSessionKeys(input.z, nonce);
  const wrapTk = aes128Ctr(kek, wrapIv, concat(tek, tik));
  return {
    nonce,
    wrapTk,
    wrapIv,
    wrapMac: hmacSha256(kik, wrapTk),
    policyMac: policyMac(tik, input.policy),
  };
}

/**
 * TEK and TIK, or undefined when WRAP_MAC is wrong. WRAP_MAC does not cover WRAP_IV: a changed one gives other keys,
 * which only POLICY_MAC then reveals. That check is the caller's, who knows the policy.
 */
export function unwrapSession(
  z: Uint8Array,
  session: LaunchSession,
): { tek: Uint8Array; tik: Uint8Array } | undefined {
  const { kek, kik } = deriveSessionKeys(z, session.nonce);
  if (!macEqual(session.wrapMac, hmacSha256(kik, session.wrapTk))) return undefined;
  const keys = aes128Ctr(kek, session.wrapIv, session.wrapTk);
  return { tek: keys.slice(0, 16), tik: keys.slice(16) };
}

/** POLICY_MAC: all 32 bits of the policy, little endian, under the TIK. 32 bytes. */
export const policyMac = (tik: Uint8Array, policy: number): Uint8Array =>
  hmacSha256(tik, littleEndian32(policy));
