import { createHash } from 'node:crypto';
import { toHex } from '@sevlab/codec/bytes';

/** What one LAUNCH_UPDATE command adds to a launch. `what` is for people: neither it nor an address is measured. */
export interface Contribution {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** A contribution without its bytes, so that two launches can be compared line by line. */
export interface ContributionSummary {
  readonly what: string;
  /** Bytes. */
  readonly length: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * SHA-256 over the bytes of every LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA in the order of the calls, and nothing
 * else (firmware behaviour, Genoa 1.55): the same bytes cut differently, or put elsewhere, have the same digest.
 */
export function launchDigest(contributions: readonly Contribution[]): Uint8Array {
  const hash = createHash('sha256');
  for (const { bytes } of contributions) hash.update(bytes);
  return new Uint8Array(hash.digest());
}

/** One line for each contribution, in their order. */
export function describeTranscript(contributions: readonly Contribution[]): ContributionSummary[] {
  return contributions.map((contribution) => ({
    what: contribution.what,
    length: contribution.bytes.length,
    sha256: toHex(launchDigest([contribution])),
  }));
}
