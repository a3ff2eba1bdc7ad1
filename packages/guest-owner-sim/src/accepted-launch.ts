import type { Secret } from '@sevlab/codec/efi/secret-table';
import { LengthError } from '@sevlab/codec/layout';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { macEqual } from '@sevlab/sev-channel/mac';
import { bindsLaunch, type FirmwareVersion, measureLaunch } from '@sevlab/sev-channel/measurement';
import { sealPacket } from '@sevlab/sev-channel/packet';
import { encodeTableWithTail, type TableTail } from './table-tail.ts';

/** The transport keys of a session, 16 bytes each. */
export interface TransportKeys {
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
}

/** What a guest owner that has its session in files knows of a launch. */
export interface ExpectedLaunch {
  readonly version: FirmwareVersion;
  /** 32 bits. */
  readonly policy: number;
  /** The launch digest, 32 bytes. */
  readonly digest: Uint8Array;
}

/** What LAUNCH_SECRET takes. */
export interface SealedPacket {
  /** 52 bytes. */
  readonly header: Uint8Array;
  /** A multiple of 16 bytes. */
  readonly data: Uint8Array;
}

/** A launch whose measurement is the expected one: only now is there a way to seal secrets for it. */
export class AcceptedLaunch {
  readonly #keys: TransportKeys;
  /** MEASURE, where packets are bound to their launch. */
  readonly #measure: Uint8Array | undefined;

  /** `measure` is MEASURE of a measurement that was verified: see `acceptLaunch`. */
  constructor(keys: TransportKeys, measure: Uint8Array | undefined) {
    this.#keys = keys;
    this.#measure = measure;
  }

  /** `iv`, 16 bytes, was never used with these keys before. Throws RangeError as encodeTableWithTail. */
  sealTable(secrets: readonly Secret[], { tail, iv }: { tail: TableTail; iv: Uint8Array }): SealedPacket {
    return this.seal(encodeTableWithTail(secrets, tail), iv);
  }

  /** Zeros fill the last block of the plaintext. `iv`, 16 bytes, was never used with these keys before. */
  seal(plaintext: Uint8Array, iv: Uint8Array): SealedPacket {
    const { header, data } = sealPacket({ ...this.#keys, measure: this.#measure, iv, plaintext });
    return { header: PacketHeader.encode(header), data };
  }
}

const KEY_SIZE = 16;

/**
 * Checks what LAUNCH_MEASURE wrote, 48 bytes; undefined when it is not the measurement of that launch. Throws LengthError
 * for keys, a digest or a measurement of another size, RangeError for a version that is no three bytes.
 */
export function acceptLaunch(
  keys: TransportKeys,
  expected: ExpectedLaunch,
  measurement: Uint8Array,
): AcceptedLaunch | undefined {
  for (const [name, { length }] of [
    ['TIK', keys.tik],
    ['TEK', keys.tek],
  ] as const)
    if (length !== KEY_SIZE) throw new LengthError(name, KEY_SIZE, length);
  const { measure, mnonce } = LaunchMeasurement.decode(measurement);
  const { version, policy, digest } = expected;
  if (!macEqual(measure, measureLaunch({ tik: keys.tik, version, policy, digest, mnonce }))) return undefined;
  return new AcceptedLaunch(keys, bindsLaunch(version) ? measure : undefined);
}
