import type { Gpa } from '@sevlab/codec/address';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import type { KvmAnswer } from '../kvm/sev-calls.ts';

/** Something that a person at the terminal would want to know, and that no client is told. */
export type Remark = Refusal | Lint;

/** Somebody below QEMU refused. */
export interface Refusal {
  readonly kind: 'refused';
  readonly call: 'LAUNCH_START' | 'LAUNCH_SECRET';
  readonly answer: KvmAnswer;
  /** What LAUNCH_SECRET was given, and what the host holds for the measurement, 48 bytes. */
  readonly packet?: {
    readonly header: Uint8Array;
    readonly secret: Uint8Array;
    readonly measurement: Uint8Array | undefined;
  };
}

/** What QEMU does not look at, and somebody who tests would. */
export type Lint =
  /** Options that are taken and come to nothing here. */
  | { readonly kind: 'ignored options'; readonly options: readonly string[] }
  /** A launch that no guest owner can verify. */
  | { readonly kind: 'no session' }
  /** A kernel is given, and no hash of it is measured. */
  | { readonly kind: 'kernel not measured' }
  /** A secret without an address goes to 0, since the image announces an area of 0/0. */
  | { readonly kind: 'area 0/0' }
  /** More bytes than the image announces room for. */
  | { readonly kind: 'beyond area'; readonly length: number; readonly size: number }
  /** The address is not that of the area that the image announces. */
  | { readonly kind: 'outside area'; readonly at: Gpa; readonly area: AreaBlock | undefined }
  /** Not the first secret. */
  | { readonly kind: 'injected again' }
  /** Base64 of which GLib's decoder drops something. */
  | { readonly kind: 'loose Base64'; readonly name: string; readonly length: number }
  /** A migration before the launch is finished, which only then is forbidden. */
  | { readonly kind: 'migrated early' }
  /** QEMU has a command that is not here. */
  | { readonly kind: 'command elsewhere'; readonly name: string };

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
  /** Makes a file, or empties it; in words why it cannot. */
  emptyFile(path: string): string | undefined;
  /** Writes bytes behind those that a file has; in words why it cannot. */
  appendFile(path: string, bytes: Uint8Array): string | undefined;
  /** Takes a remark. */
  remark(remark: Remark): void;
  /** A message passes on a monitor; `text` gives it, for somebody who records. */
  exchange(from: 'client' | 'vmm', text: () => string): void;
  /** The guest starts: what is in its memory takes over. */
  run(): void;
  /** The guest starts again from its reset vector. */
  reset(): void;
}
