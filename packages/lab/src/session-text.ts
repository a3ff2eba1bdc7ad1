import { equal } from '@sevlab/codec/bytes';
import { KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { LaunchSession } from '@sevlab/codec/sev/session';
import type { SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { macEqual } from '@sevlab/sev-channel/mac';
import { sharedSecret } from '@sevlab/sev-channel/p384';
import { policyMacDefect } from '@sevlab/sev-channel/policy-defects';
import { policyMac, unwrapSession } from '@sevlab/sev-channel/session';

/** Why POLICY_MAC does not fit a policy of 32 bits, in one or two sentences; undefined when it does. */
export function policyMacText(tik: Uint8Array, policy: number, mac: Uint8Array): string | undefined {
  if (macEqual(policyMac(tik, policy), mac)) return undefined;
  const defect = policyMacDefect(tik, policy, mac);
  const meant = `0x${policy.toString(16)}`;
  if (defect === undefined)
    return `POLICY_MAC is not that of policy ${meant}, nor of what any known tool makes of it; look at the TIK, and at the policy that the session was made for`;
  const { by, how } = defect;
  return (
    `POLICY_MAC is that of policy 0x${defect.policy.toString(16)} instead of ${meant}: ${how}` +
    (by === undefined
      ? '; start the guest with the policy of the session'
      : `, as ${by} does; try sevlab owner session`)
  );
}

/**
 * Why a platform would refuse the keys of a session, as only that platform and the guest owner can tell; undefined when
 * it would take them, or when the certificate is none. No key is in it.
 */
export function sessionText(
  sp: SecureProcessor,
  {
    policy,
    godh,
    session,
  }: { readonly policy: number; readonly godh: Uint8Array; readonly session: Uint8Array },
): string | undefined {
  if (godh.length !== SevCertificate.size || session.length !== LaunchSession.size) return undefined;
  const point = decodePoint(SevCertificate.decode(godh).pubkey);
  if (point === undefined) return undefined;
  const wrapped = LaunchSession.decode(session);
  const keys = unwrapSession(sharedSecret(sp.identity.pdh.key.d, point), wrapped);
  if (keys === undefined)
    return (
      'WRAP_MAC does not fit: the session was made for another PDH than the one this platform has now, or for another ' +
      'certificate of the guest owner; export the chain again, and take certificate and session of the same run'
    );
  return policyMacText(keys.tik, policy, wrapped.policyMac);
}

/** What is unusual about the guest owner's certificate, which no platform minds; undefined for nothing. */
export function godhText(certificate: SevCertificate): string | undefined {
  const { pubkeyUsage, sig1Usage, sig1 } = certificate;
  if (pubkeyUsage !== KEY_USAGE.PDH) return undefined;
  if (sig1Usage === KEY_USAGE.NONE || equal(sig1, new Uint8Array(sig1.length)))
    return 'the certificate has no signature, as sevctl makes it; LAUNCH_START looks at none: the MACs of the session do the work';
  return sig1Usage === KEY_USAGE.PEK
    ? 'the certificate is signed by its own key in the name of a PEK, as sev-tool makes it; LAUNCH_START looks at no signature'
    : undefined;
}
