import { toHex } from '@sevlab/codec/bytes';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { describeLaunch } from '@sevlab/sev-channel/described-launch';
import { launchDigest } from '@sevlab/sev-channel/launch-digest';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { acceptLaunch } from './accepted-launch.ts';
import type { GuestOwner } from './guest-owner.ts';
import { type OwnerSession, sessionOf } from './owner-session.ts';
import type { Verdict } from './verdict.ts';
import { VerifiedGuest } from './verified-guest.ts';

/** The tenant after a session is out: it can only check a measurement, and only once. */
export class Offer {
  readonly #owner: GuestOwner;
  readonly #number: number;
  /** The guest owner's Diffie-Hellman certificate, 0x824 bytes. */
  readonly godh: Uint8Array;
  /** 128 bytes. */
  readonly session: Uint8Array;

  /** `number` is that of the owner's session. */
  constructor(owner: GuestOwner, number: number, godh: Uint8Array, session: Uint8Array) {
    this.#owner = owner;
    this.#number = number;
    this.godh = godh;
    this.session = session;
  }

  /**
   * Checks what LAUNCH_MEASURE wrote, 48 bytes, against the digest of the image that the guest owner wants. `version`
   * is what the host says of the firmware: a wrong one gives another measurement. Whatever comes of it, the session
   * is spent.
   */
  verify(measurement: Uint8Array, version: FirmwareVersion): Verdict<VerifiedGuest> {
    const { state, observer } = this.#owner;
    const session = sessionOf(state.sessions, this.#number);
    observer.observe('host', 'guest-owner', () => ({
      type: 'message',
      name: 'measurement',
      open: { measurement },
    }));
    const reason = this.#refusal(session, measurement, version);
    session.spent = true;
    observer.observe('guest-owner', 'guest-owner', () => ({
      type: 'verdict',
      name: 'measurement',
      accepted: reason === undefined,
      reason: reason ?? 'the launch is the one that was wanted',
    }));
    if (reason !== undefined) return { accepted: false, reason };
    session.measure = LaunchMeasurement.decode(measurement).measure;
    return { accepted: true, value: new VerifiedGuest(this.#owner, this.#number, version) };
  }

  /** Why the measurement is not accepted, or undefined. */
  #refusal(session: OwnerSession, measurement: Uint8Array, version: FirmwareVersion): string | undefined {
    if (session.spent)
      return 'this session already gave a measurement; a second one means that the host replays the session';
    if (measurement.length !== LaunchMeasurement.size) {
      return `expected a measurement of ${LaunchMeasurement.size} bytes, got ${measurement.length}`;
    }
    const { policy, launch } = this.#owner.state.intent;
    const digest = launchDigest(describeLaunch(launch));
    if (acceptLaunch(session, { version, policy, digest }, measurement) !== undefined) return undefined;
    const { measure } = LaunchMeasurement.decode(measurement);
    const { apiMajor, apiMinor, build } = version;
    return (
      `the measurement does not match; expected that of launch digest ${toHex(digest)}, ` + // never the HMAC itself
      `policy 0x${policy.toString(16)} and firmware ${apiMajor}.${apiMinor} build ${build}, got ${toHex(measure)}`
    );
  }

  /** The same offer in the hands of the owner's fork. */
  fork(owner: GuestOwner): Offer {
    return new Offer(owner, this.#number, this.godh, this.session);
  }
}
