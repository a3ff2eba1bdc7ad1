import { LaunchSession } from '@sevlab/codec/sev/session';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flipBit } from '../test/flip.ts';
import { macEqual } from './mac.ts';
import { policyMac, unwrapSession, wrapSession } from './session.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const input = fc.record({
  z: bytes(48),
  nonce: bytes(16),
  wrapIv: bytes(16),
  tek: bytes(16),
  tik: bytes(16),
  policy: fc.integer({ min: 0, max: 0xffff_ffff }),
});

/** What the AMD-SP decides: both MACs hold. */
function accepts(z: Uint8Array, session: LaunchSession, policy: number): boolean {
  const keys = unwrapSession(z, session);
  return keys !== undefined && macEqual(policyMac(keys.tik, policy), session.policyMac);
}

test('what was wrapped is unwrapped', () => {
  fc.assert(
    fc.property(input, (given) => {
      const session = LaunchSession.decode(LaunchSession.encode(wrapSession(given)));
      expect(unwrapSession(given.z, session)).toEqual({ tek: given.tek, tik: given.tik });
      expect(accepts(given.z, session, given.policy)).toBe(true);
    }),
  );
});

// WRAP_MAC does not cover WRAP_IV, but a changed counter changes both blocks and so the TIK, and POLICY_MAC fails.
test('any flipped bit of session, shared secret or policy is refused', () => {
  fc.assert(
    fc.property(input, fc.nat(1023), fc.nat(383), fc.nat(31), (given, bit, zBit, policyBit) => {
      const encoded = LaunchSession.encode(wrapSession(given));
      const session = LaunchSession.decode(encoded);
      expect(accepts(given.z, LaunchSession.decode(flipBit(encoded, bit)), given.policy)).toBe(false);
      expect(accepts(flipBit(given.z, zBit), session, given.policy)).toBe(false);
      expect(accepts(given.z, session, (given.policy ^ (1 << policyBit)) >>> 0)).toBe(false);
    }),
  );
});
