import { toHex } from '@sevlab/codec/bytes';
import type { LaunchMeasurement } from '@sevlab/codec/sev/session';
import {
  type ClaimedLaunch,
  claimedDigest,
  explainMeasurement,
} from '@sevlab/sev-channel/measurement-variations';

/** What to look at, by what differs. */
const LOOK_AT: Readonly<Record<string, string>> = {
  policy: 'look at the policy in the session, and at the one that the host started the guest with',
  'build id': 'look at build-id of query-sev',
  'API version': 'look at api-major and api-minor of query-sev',
  'VMSA form': 'try the other --vmsa-form',
  'CPU model': 'look at the CPU model that the host started the guest with',
  'number of vCPUs': 'look at -smp of the host',
  keys: 'look at --tik and --tek',
  nonce: 'look at the 48 bytes of query-sev-launch-measure, and at who passed them on',
  'firmware image': 'look at the file that the host has as flash unit 0',
  session: 'look at session-file and dh-cert-file of the sev-guest object',
};

/**
 * Why a measurement is not that of a launch, in one or two sentences: what was expected, and the single difference that
 * would explain it. Neither a key is in it nor the MAC that would have been right, which a host could hand back.
 */
export function mismatchText(claim: ClaimedLaunch, measurement: LaunchMeasurement): string {
  const { apiMajor, apiMinor, build } = claim.version;
  const expected =
    `expected that of launch digest ${toHex(claimedDigest(claim))}, policy 0x${claim.policy.toString(16)} ` +
    `and firmware ${apiMajor}.${apiMinor} build ${build}, got ${toHex(measurement.measure)}`;
  const variation = explainMeasurement(claim, measurement);
  if (variation === undefined) {
    return (
      `the measurement is not that of this launch; ${expected}; no single known difference explains it: try the keys of ` +
      'this very session first, then the files and settings'
    );
  }
  const hint = LOOK_AT[variation.what];
  return (
    `the measurement is not that of this launch; ${expected}; it would fit if ${variation.ifOnly}` +
    (hint === undefined ? '' : `; ${hint}`)
  );
}
