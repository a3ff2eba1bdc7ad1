import type { Gpa } from '@sevlab/codec/address';

/** What a QEMU process has from its surroundings. */
export interface HostPorts {
  /** The time of events, in microseconds since 1970. */
  now(): bigint;
  /** The bytes that the host finds at a guest-physical address: ciphertext where the guest's memory is private. */
  readGuest(address: Gpa, length: number): Uint8Array;
  /** Puts bytes there, as QEMU does before they are measured. */
  writeGuest(address: Gpa, bytes: Uint8Array): void;
  /** A file's bytes, or in words why there are none. */
  readFile(path: string): Uint8Array | string;
  /** Writes a file; in words why it cannot. */
  writeFile(path: string, bytes: Uint8Array): string | undefined;
  /** The guest starts: what is in its memory takes over. */
  run(): void;
  /** The guest starts again from its reset vector. */
  reset(): void;
}
