import { at, bytes, struct, type ValueOf } from '../layout.ts';

/** What a guest owner sends along with LAUNCH_START: transport keys, wrapped for one platform. 128 bytes. */
export const LaunchSession = struct('LAUNCH_START session', '55766, LAUNCH_START', {
  nonce: at(0x00, bytes(16), 'NONCE: context of the master secret.'),
  wrapTk: at(0x10, bytes(32), 'TEK then TIK, under AES-128-CTR with the KEK.'),
  wrapIv: at(0x30, bytes(16), 'WRAP_IV: initial counter block of that encryption.'),
  wrapMac: at(0x40, bytes(32), 'WRAP_MAC: HMAC-SHA-256 of WRAP_TK under the KIK.'),
  policyMac: at(0x60, bytes(32), 'POLICY_MAC: HMAC-SHA-256 of the policy under the TIK.'),
});
export type LaunchSession = ValueOf<typeof LaunchSession>;

/** What LAUNCH_MEASURE returns. 48 bytes. */
export const LaunchMeasurement = struct('LAUNCH_MEASURE measurement', '55766, LAUNCH_MEASURE', {
  measure: at(0x00, bytes(32), 'MEASURE: HMAC-SHA-256 over the launch, under the TIK.'),
  mnonce: at(0x20, bytes(16), 'MNONCE: drawn by the AMD-SP for this measurement.'),
});
export type LaunchMeasurement = ValueOf<typeof LaunchMeasurement>;
