import { at, bytes, struct, u8, u32le } from '@sevlab/codec/layout';
import { hmacSha256 } from './mac.ts';

/** The version of the AMD-SP's SEV firmware, as PLATFORM_STATUS reports it. */
export interface FirmwareVersion {
  readonly apiMajor: number;
  readonly apiMinor: number;
  readonly build: number;
}

const MeasurementMessage = struct('LAUNCH_MEASURE authenticated message', '55766, LAUNCH_MEASURE', {
  context: at(0x00, u8, 'Always 4.'),
  apiMajor: at(0x01, u8, 'API_MAJOR of the running firmware.'),
  apiMinor: at(0x02, u8, 'API_MINOR of the running firmware.'),
  build: at(0x03, u8, 'BUILD of the running firmware.'),
  policy: at(0x04, u32le, 'Policy of the guest.'),
  digest: at(0x08, bytes(32), 'Launch digest.'),
  mnonce: at(0x28, bytes(16), 'MNONCE of this measurement.'),
});
const LAUNCH_MEASURE_CONTEXT = 0x04;

/** Before API 0.17 the message starts with the policy. */
const SHORT_FORM_START = 0x04;

/**
 * MEASURE: HMAC-SHA-256 under the TIK. `digest` is the launch digest, 32 bytes; `mnonce` 16 bytes. 32 bytes.
 * `namesFirmware` is which form the message has: libvirt's and virtee's tools take the long one for every version.
 * Throws RangeError when part of the version is not a byte, LengthError for inputs of another size.
 */
export function measureLaunch(
  input: {
    tik: Uint8Array;
    version: FirmwareVersion;
    policy: number;
    digest: Uint8Array;
    mnonce: Uint8Array;
  },
  namesFirmware: boolean = bindsLaunch(input.version),
): Uint8Array {
  const { tik, version, policy, digest, mnonce } = input;
  const { apiMajor, apiMinor, build } = version;
  const message = MeasurementMessage.encode({
    context: LAUNCH_MEASURE_CONTEXT,
    apiMajor,
    apiMinor,
    build,
    policy,
    digest,
    mnonce,
  });
  return hmacSha256(tik, namesFirmware ? message : message.subarray(SHORT_FORM_START));
}

/**
 * From API 0.17 on, the measurement names the firmware, and a packet's MAC covers the measurement: a packet fits
 * one launch only. The two came together (AMD's sev-tool 1.7, package_secret and calc_measurement).
 */
export const bindsLaunch = ({
  apiMajor,
  apiMinor,
}: Pick<FirmwareVersion, 'apiMajor' | 'apiMinor'>): boolean => apiMajor > 0 || apiMinor >= 17;
