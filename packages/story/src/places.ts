import type { Actor } from '@sevlab/codec/trace';

/** What a byte of a secret is at a place, in the order in which an honest launch comes to them. */
export type PlaceKind =
  | 'owner'
  | 'table'
  | 'packet'
  | 'host-buffer'
  | 'dram'
  | 'guest-memory'
  | 'file'
  | 'wiped'
  | 'wiped-dram'
  /** The guest wrote something else over it. */
  | 'rewritten'
  /** The guest wrote beside it in the same block. */
  | 're-encrypted'
  /** The host kept the cells. */
  | 'host-copy'
  /** The host wrote over the cells. */
  | 'overwritten'
  /** The cells are what they were at an earlier time. */
  | 'restored'
  /** The AMD-SP gave the plaintext away. */
  | 'leak'
  /** A guest under another ASID read it. */
  | 'other-guest';

/** What protects the byte there. */
export type PlaceKey =
  | { readonly kind: 'none' }
  | { readonly kind: 'TEK' }
  | { readonly kind: 'VEK'; readonly asid?: number };

interface PlaceWords {
  readonly title: string;
  readonly sentence: string;
  /** Who could read the byte there in the clear. */
  readonly clear: readonly Actor[];
  /** Who could see the byte there, and sees noise. */
  readonly noise: readonly Actor[];
}

const GUEST: readonly Actor[] = ['firmware', 'kernel', 'user'];
const WITH_KEY: readonly Actor[] = ['amd-sp', ...GUEST];
const WITHOUT_KEY: readonly Actor[] = ['host', 'disk'];

/** What is to be said of a place. */
export const PLACES: Readonly<Record<PlaceKind, PlaceWords>> = {
  owner: {
    title: 'With the guest owner',
    sentence: 'Plaintext, on the machine of the guest owner.',
    clear: ['guest-owner'],
    noise: [],
  },
  table: {
    title: 'In the secret table',
    sentence: 'Behind the GUID and the length of its entry. Still on the machine of the guest owner.',
    clear: ['guest-owner'],
    noise: [],
  },
  packet: {
    title: 'In the packet',
    sentence: 'Encrypted with AES-CTR under the TEK: each byte of the table gives one byte of the packet.',
    clear: ['guest-owner', 'amd-sp'],
    noise: ['host'],
  },
  'host-buffer': {
    title: 'In a buffer of the host',
    sentence:
      'The host put the packet in memory where the AMD-SP can fetch it. It is the same noise as in the message.',
    clear: ['amd-sp'],
    noise: WITHOUT_KEY,
  },
  dram: {
    title: 'In the cells of DRAM',
    sentence:
      'The AMD-SP decrypted the packet and wrote it under the VEK. Each of the 16 bytes of a block depends on all 16 of its plaintext, and on its sPA.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  'guest-memory': {
    title: 'In the private memory of the guest',
    sentence: 'The guest reads the same cells through its key, and sees plaintext.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  file: {
    title: 'In a file',
    sentence: 'A process read the file. Its content came from guest memory at that moment.',
    clear: ['kernel', 'user'],
    noise: WITHOUT_KEY,
  },
  wiped: {
    title: 'Wiped',
    sentence: 'The guest wrote zero over it.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  'wiped-dram': {
    title: 'The ciphertext of zero',
    sentence: 'In DRAM the block has changed as a whole. What it decrypts to, the host cannot tell.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  rewritten: {
    title: 'Overwritten by the guest',
    sentence: 'Software of the guest used this memory for something else.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  're-encrypted': {
    title: 'Encrypted anew with its block',
    sentence:
      'The guest wrote beside it. The byte is the same, and its ciphertext is not: a block changes as a whole.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  'host-copy': {
    title: 'The host keeps the cells',
    sentence:
      'The host read the ciphertext. Without the key it learns nothing but whether it is the same as before.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  overwritten: {
    title: 'The host writes over the cells',
    sentence: 'No key is needed to spoil a block. The guest will decrypt all 16 bytes to something else.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  restored: {
    title: 'Old ciphertext is back',
    sentence:
      'These cells were here before. The same cells at the same sPA under the same key decrypt to the same plaintext.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
  leak: {
    title: 'In the clear, in memory of the host',
    sentence: 'The AMD-SP decrypted it for the host, as the policy allows.',
    clear: ['host', 'disk', 'amd-sp'],
    noise: [],
  },
  'other-guest': {
    title: 'Read by another guest',
    sentence:
      'A guest under another ASID read the same cells. It sees plaintext only if it has the same key.',
    clear: WITH_KEY,
    noise: WITHOUT_KEY,
  },
};
