import { type Entropy, type EntropyState, entropyFrom } from '@sevlab/ambient/entropy';
import type { Observer } from '@sevlab/ambient/observer';
import { toHex } from '@sevlab/codec/bytes';
import { encodeSecretTable, type Secret } from '@sevlab/codec/efi/secret-table';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { LengthError } from '@sevlab/codec/layout';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { decodeAmdCertificate, KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import { decodePoint, makeCertificate } from '@sevlab/sev-channel/certificate';
import { verifyChain } from '@sevlab/sev-channel/chain';
import { macEqual } from '@sevlab/sev-channel/mac';
import { bindsLaunch, type FirmwareVersion, measureLaunch } from '@sevlab/sev-channel/measurement';
import { generateKeyPair, sharedSecret } from '@sevlab/sev-channel/p384';
import { sealPacket } from '@sevlab/sev-channel/packet';
import { wrapSession } from '@sevlab/sev-channel/session';
import { expectedDigest } from './expected-digest.ts';

/** What the guest owner decides before anything starts. */
export interface Intent {
  /** The root of trust, an AMD certificate, byte for byte. */
  readonly trustedArk: Uint8Array;
  readonly policy: number;
  /** The firmware image that the guest is to start with. */
  readonly image: Uint8Array;
}

interface Keys {
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
}

/** Everything that the guest owner knows, as plain data. */
export interface GuestOwnerState {
  readonly intent: Intent;
  readonly entropy: EntropyState;
  /** After an offer. */
  keys: Keys | undefined;
  /** After a measurement came: a session is good for one launch. */
  measured: boolean;
  /** After a measurement was accepted. */
  measure: Uint8Array | undefined;
}

/** Certificates as a host passes them on, each as its bytes. */
export interface CertificateFiles {
  readonly pdh: Uint8Array;
  readonly pek: Uint8Array;
  readonly oca: Uint8Array;
  /** With AMD's signature, as the key distribution service gives it. */
  readonly cek: Uint8Array;
  readonly ask: Uint8Array;
  readonly ark: Uint8Array;
}

/** A decision, and why. */
export type Verdict<T> =
  | { readonly accepted: true; readonly value: T }
  | { readonly accepted: false; readonly reason: string };

export interface SealedPacket {
  /** 52 bytes. */
  readonly header: Uint8Array;
  /** A multiple of 16 bytes. */
  readonly data: Uint8Array;
}

/** The tenant, before it trusts anybody. It can only look at a platform. */
export class GuestOwner {
  readonly state: GuestOwnerState;
  readonly observer: Observer;

  constructor(state: GuestOwnerState, observer: Observer) {
    this.state = state;
    this.observer = observer;
  }

  /** Verifies a platform's certificates and, if they hold, makes transport keys that only it can unwrap. */
  offer(files: CertificateFiles): Verdict<Offer> {
    this.observer.observe('host', 'guest-owner', () => ({
      type: 'message',
      name: 'certificates',
      open: { ...files },
    }));
    const verdict = this.#verify(files);
    this.observer.observe('guest-owner', 'guest-owner', () => ({
      type: 'verdict',
      name: 'certificates',
      accepted: verdict.accepted,
      reason: verdict.accepted ? 'every signature from the trusted root to the PDH holds' : verdict.reason,
    }));
    if (!verdict.accepted) return verdict;

    const entropy = entropyFrom(this.state.entropy);
    const { policy } = this.state.intent;
    const ownKey = generateKeyPair(entropy);
    const [tek, tik, nonce, wrapIv] = [
      entropy.bytes(16),
      entropy.bytes(16),
      entropy.bytes(16),
      entropy.bytes(16),
    ];
    const z = sharedSecret(ownKey.d, verdict.value);
    const session = LaunchSession.encode(wrapSession({ z, nonce, wrapIv, tek, tik, policy }));
    const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
    const godh = SevCertificate.encode(makeCertificate({ ...usage, point: ownKey })); // nobody signs it: MACs do the work
    this.state.keys = { tek, tik };
    this.observer.observe('guest-owner', 'host', () => ({
      type: 'message',
      name: 'session',
      open: { godh, session },
      closed: { tek, tik },
    }));
    return { accepted: true, value: new Offer(this.state, this.observer, godh, session) };
  }

  #verify(files: CertificateFiles) {
    try {
      const chain = {
        pdh: SevCertificate.decode(files.pdh),
        pek: SevCertificate.decode(files.pek),
        oca: SevCertificate.decode(files.oca),
        cek: SevCertificate.decode(files.cek),
        ask: decodeAmdCertificate(files.ask),
        ark: decodeAmdCertificate(files.ark),
      };
      const verdict = verifyChain(chain, this.state.intent.trustedArk);
      if (!verdict.accepted) return verdict;
      const point = decodePoint(chain.pdh.pubkey);
      return point === undefined
        ? ({ accepted: false, reason: "the PDH's public key is no point of P-384" } as const)
        : ({ accepted: true, value: point } as const);
    } catch (error) {
      if (error instanceof LengthError || error instanceof RangeError) {
        return { accepted: false, reason: error.message } as const;
      }
      throw error;
    }
  }

  /** The same past; offers and guests follow with their own fork. */
  fork(observer: Observer): GuestOwner {
    return new GuestOwner({ ...this.state, entropy: { ...this.state.entropy } }, observer);
  }
}

/** The tenant after the session is out: it can only check a measurement, and only once. */
export class Offer {
  readonly state: GuestOwnerState;
  readonly #observer: Observer;
  /** The guest owner's Diffie-Hellman certificate, 0x824 bytes. */
  readonly godh: Uint8Array;
  /** 128 bytes. */
  readonly session: Uint8Array;

  constructor(state: GuestOwnerState, observer: Observer, godh: Uint8Array, session: Uint8Array) {
    this.state = state;
    this.#observer = observer;
    this.godh = godh;
    this.session = session;
  }

  /** Checks the 48 bytes of LAUNCH_MEASURE against the digest of the image that the guest owner wants. */
  verify(measurement: Uint8Array, version: FirmwareVersion): Verdict<VerifiedGuest> {
    this.#observer.observe('host', 'guest-owner', () => ({
      type: 'message',
      name: 'measurement',
      open: { measurement },
    }));
    const reason = this.#refusal(measurement, version);
    this.state.measured = true;
    this.#observer.observe('guest-owner', 'guest-owner', () => ({
      type: 'verdict',
      name: 'measurement',
      accepted: reason === undefined,
      reason: reason ?? 'the launch is the one that was wanted',
    }));
    if (reason !== undefined) return { accepted: false, reason };
    this.state.measure = measurement.slice(0, 32);
    return { accepted: true, value: new VerifiedGuest(this.state, this.#observer, version) };
  }

  /** Why the measurement is not accepted, or undefined. */
  #refusal(measurement: Uint8Array, version: FirmwareVersion): string | undefined {
    const { intent, measured, keys } = this.state;
    if (measured)
      return 'this session already gave a measurement; a second one means that the host replays the session';
    if (measurement.length !== LaunchMeasurement.size) {
      return `expected a measurement of ${LaunchMeasurement.size} bytes, got ${measurement.length}`;
    }
    const { measure, mnonce } = LaunchMeasurement.decode(measurement);
    const digest = expectedDigest(intent.image);
    const wanted = measureLaunch({ tik: keys!.tik, version, policy: intent.policy, digest, mnonce });
    if (macEqual(measure, wanted)) return undefined;
    const { apiMajor, apiMinor, build } = version;
    return (
      `the measurement does not match; expected ${toHex(wanted)} for launch digest ${toHex(digest)}, ` +
      `policy 0x${intent.policy.toString(16)} and firmware ${apiMajor}.${apiMinor} build ${build}, got ${toHex(measure)}`
    );
  }

  /** The same offer in the hands of the owner's fork. */
  fork(owner: GuestOwner): Offer {
    return new Offer(owner.state, owner.observer, this.godh, this.session);
  }
}

/** The tenant of a launch that it verified: only now is there a way to send secrets. */
export class VerifiedGuest {
  readonly state: GuestOwnerState;
  readonly #observer: Observer;
  readonly #version: FirmwareVersion;

  constructor(state: GuestOwnerState, observer: Observer, version: FirmwareVersion) {
    this.state = state;
    this.#observer = observer;
    this.#version = version;
  }

  /**
   * Builds the secret table and seals it for this launch. Throws RangeError when a GUID is given twice or the
   * table is larger than the secret area that the image announces.
   */
  packSecrets(secrets: readonly Secret[]): SealedPacket {
    const plaintext = encodeSecretTable(secrets);
    const area = findArea(readGuidedTable(this.state.intent.image), SEV_SECRET_BLOCK_GUID);
    if (area !== undefined && area.size !== 0 && plaintext.length > area.size) {
      throw new RangeError(
        `the secret table has ${plaintext.length} bytes; expected at most ${area.size}, the size of the image's secret area`,
      );
    }
    return this.seal(plaintext);
  }

  /** Seals any plaintext; it is padded with zeros to a multiple of 16 bytes. */
  seal(plaintext: Uint8Array): SealedPacket {
    const { keys, measure } = this.state;
    const iv = entropyFrom(this.state.entropy).bytes(16);
    const bound = bindsLaunch(this.#version) ? measure : undefined;
    const packet = sealPacket({ tek: keys!.tek, tik: keys!.tik, measure: bound, iv, plaintext });
    const header = PacketHeader.encode(packet.header);
    this.#observer.observe('guest-owner', 'host', () => ({
      type: 'message',
      name: 'packet',
      open: { header, data: packet.data },
      closed: { plaintext },
    }));
    return { header, data: packet.data };
  }

  /** The same guest in the hands of the owner's fork. */
  fork(owner: GuestOwner): VerifiedGuest {
    return new VerifiedGuest(owner.state, owner.observer, this.#version);
  }
}

export function createGuestOwner(intent: Intent, entropy: Entropy, observer: Observer): GuestOwner {
  const state: GuestOwnerState = {
    intent,
    entropy: entropy.state,
    keys: undefined,
    measured: false,
    measure: undefined,
  };
  return new GuestOwner(state, observer);
}
