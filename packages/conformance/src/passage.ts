import type { Struct } from '@sevlab/codec/layout';

/** A step of a case as it happened: what was asked of the target, what it answered, and the bytes that passed. */
export interface Passage {
  /** In a few words, or the message itself. */
  readonly asked: string;
  /** Absent where nothing was answered. */
  readonly answered?: string;
  readonly bytes?: readonly PassedBytes[];
}

export interface PassedBytes {
  /** `command buffer`. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** How they are to be read; absent: as bytes. */
  readonly structure?: Struct<unknown>;
  /** Who can do something with them, where that is not everybody. */
  readonly are?: 'ciphertext' | 'a secret';
}

/** An answer that brings along how it came about. */
export interface Recorded {
  readonly passages?: readonly Passage[];
}
