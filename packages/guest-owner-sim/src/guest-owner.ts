import { type Entropy, type EntropyState, entropyFrom } from '@sevlab/ambient/entropy';
import type { Observer } from '@sevlab/ambient/observer';
import type { DescribedLaunch } from '@sevlab/sev-channel/described-launch';
import { makeSession } from './make-session.ts';
import { Offer } from './offer.ts';
import type { OwnerSession } from './owner-session.ts';
import type { Verdict } from './verdict.ts';
import { type CertificateFiles, verifyPlatform } from './verify-platform.ts';

export type { SealedPacket } from './accepted-launch.ts';
export type { Offer } from './offer.ts';
export type { VerifiedGuest } from './verified-guest.ts';
export type { CertificateFiles } from './verify-platform.ts';

/** What the guest owner decides before anything starts. */
export interface Intent {
  /** The root of trust, an AMD certificate, byte for byte. */
  readonly trustedArk: Uint8Array;
  /** 32 bits (55766, Guest Policy Structure). */
  readonly policy: number;
  /** What the guest is to start with: the firmware image, and what else the host must measure. */
  readonly launch: DescribedLaunch;
}

/** Everything that the guest owner knows, as plain data. */
export interface GuestOwnerState {
  readonly intent: Intent;
  readonly entropy: EntropyState;
  readonly sessions: OwnerSession[];
}

/** The tenant, before it trusts anybody. It can only look at a platform. */
export class GuestOwner {
  readonly state: GuestOwnerState;
  readonly observer: Observer;

  constructor(state: GuestOwnerState, observer: Observer) {
    this.state = state;
    this.observer = observer;
  }

  /**
   * Verifies a platform's certificates and, if they hold, makes transport keys that only it can unwrap. Each call
   * makes a session of its own. Malformed certificates are a verdict, not an error.
   */
  offer(files: CertificateFiles): Verdict<Offer> {
    this.observer.observe('host', 'guest-owner', () => ({
      type: 'message',
      name: 'certificates',
      open: { ...files },
    }));
    const verdict = verifyPlatform(files, this.state.intent.trustedArk);
    this.observer.observe('guest-owner', 'guest-owner', () => ({
      type: 'verdict',
      name: 'certificates',
      accepted: verdict.accepted,
      reason: verdict.accepted ? 'every signature from the trusted root to the PDH holds' : verdict.reason,
    }));
    if (!verdict.accepted) return verdict;

    const { intent, entropy, sessions } = this.state;
    const { tek, tik, godh, session } = makeSession(verdict.value, intent.policy, entropyFrom(entropy));
    const number = sessions.push({ tek, tik, spent: false, measure: undefined }) - 1;
    this.observer.observe('guest-owner', 'host', () => ({
      type: 'message',
      name: 'session',
      open: { godh, session },
      closed: { tek, tik },
    }));
    return { accepted: true, value: new Offer(this, number, godh, session) };
  }

  /** The same past; offers and guests follow with their own fork. */
  fork(observer: Observer): GuestOwner {
    const { intent, entropy, sessions } = this.state;
    const copies = sessions.map((session) => ({ ...session }));
    return new GuestOwner({ intent, entropy: { ...entropy }, sessions: copies }, observer);
  }
}

/** A tenant that has made nothing yet. It draws from `entropy` from here on. */
export function createGuestOwner(intent: Intent, entropy: Entropy, observer: Observer): GuestOwner {
  return new GuestOwner({ intent, entropy: entropy.state, sessions: [] }, observer);
}
