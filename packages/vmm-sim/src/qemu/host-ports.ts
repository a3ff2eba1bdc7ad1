import type { Gpa } from '@sevlab/codec/address';
import type { KvmAnswer } from '../kvm/sev-calls.ts';

/** Something that a person at the terminal would want to know, and that no client is told. */
export type Remark =
  | { readonly kind: 'refused'; readonly call: 'LAUNCH_START' | 'LAUNCH_SECRET'; readonly answer: KvmAnswer }
  /** A secret without an address goes to 0, since the image announces an area of 0/0. */
  | { readonly kind: 'area 0/0' }
  /** More bytes than the image announces room for. */
  | { readonly kind: 'beyond area'; readonly length: number; readonly size: number };

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
  /** Takes a remark. */
  remark(remark: Remark): void;
  /** The guest starts: what is in its memory takes over. */
  run(): void;
  /** The guest starts again from its reset vector. */
  reset(): void;
}
