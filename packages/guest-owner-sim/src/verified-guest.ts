import { entropyFrom } from '@sevlab/ambient/entropy';
import { encodeSecretTable, type Secret } from '@sevlab/codec/efi/secret-table';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { bindsLaunch, type FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { AcceptedLaunch, type SealedPacket } from './accepted-launch.ts';
import type { GuestOwner } from './guest-owner.ts';
import { sessionOf } from './owner-session.ts';

/** The tenant of a launch that it verified: only now is there a way to send secrets. */
export class VerifiedGuest {
  readonly #owner: GuestOwner;
  readonly #number: number;
  readonly #version: FirmwareVersion;

  /** `number` is that of the owner's session; only an offer that accepted its measurement makes one of these. */
  constructor(owner: GuestOwner, number: number, version: FirmwareVersion) {
    this.#owner = owner;
    this.#number = number;
    this.#version = version;
  }

  /**
   * Builds the secret table and seals it for this launch. Throws RangeError when a GUID is given twice or is
   * NULL_GUID, or when the table is larger than the secret area that the image announces.
   */
  packSecrets(secrets: readonly Secret[]): SealedPacket {
    const plaintext = encodeSecretTable(secrets);
    const area = findArea(readGuidedTable(this.#owner.state.intent.launch.image), SEV_SECRET_BLOCK_GUID);
    if (area !== undefined && area.size !== 0 && plaintext.length > area.size) {
      throw new RangeError(
        `the secret table has ${plaintext.length} bytes; expected at most ${area.size}, the size of the image's secret area`,
      );
    }
    return this.#seal(plaintext);
  }

  #seal(plaintext: Uint8Array): SealedPacket {
    const { state, observer } = this.#owner;
    const { measure, ...keys } = sessionOf(state.sessions, this.#number);
    const iv = entropyFrom(state.entropy).bytes(16); // each draw is another: one key never meets one counter twice
    const packet = new AcceptedLaunch(keys, bindsLaunch(this.#version) ? measure : undefined).seal(
      plaintext,
      iv,
    );
    observer.observe('guest-owner', 'host', () => ({
      type: 'message',
      name: 'packet',
      open: { ...packet },
      closed: { plaintext },
    }));
    return packet;
  }

  /** The same guest in the hands of the owner's fork. */
  fork(owner: GuestOwner): VerifiedGuest {
    return new VerifiedGuest(owner, this.#number, this.#version);
  }
}
