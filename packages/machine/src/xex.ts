import { type Cipher, createCipheriv, createDecipheriv, createSecretKey, type Decipher } from 'node:crypto';

/**
 * XEX: the tweak is added before and after AES. XE: before only, as the first generation did.
 * DEVIATION: AMD does not publish the tweak function. Here T(sPA) is the XOR of one 16-byte constant for each set
 * address bit from bit 4 up, the form that measurements on real parts suggest.
 * NOT MODELLED: separate keys per memory channel.
 * DEVIATION: `identity` is no encryption at all, to look for faults with, or to show what it is that encryption hides.
 */
export type EncryptionMode = 'XEX' | 'XE' | 'identity';

/** Address bits 4 to 47 have a constant each. */
export const TWEAKED_BITS = 44;
const BLOCK = 16;
/** What is worked on at once, in bytes: it stays in the processor's cache, and tweaks repeat but for a constant. */
const PIECE = 64 * 1024;
/** Where a piece gets its tweak before AES. */
const SCRATCH = new Int32Array(PIECE / 4);
const SCRATCH_BYTES = new Uint8Array(SCRATCH.buffer);
const NO_PATTERN = new Int32Array(PIECE / 8);

/** Encrypts blocks at system-physical addresses, with one tweak table and any number of keys. */
export class BlockEncryption {
  readonly #mode: EncryptionMode;
  readonly #constants: Int32Array;
  /** T of the blocks of a piece, without the address bits above. */
  readonly #pattern = new Int32Array(PIECE / 4);
  readonly #ciphers = new WeakMap<Uint8Array, { encrypt: Cipher; decrypt: Decipher }>();

  /** `constants`: TWEAKED_BITS × 16 bytes. */
  constructor(mode: EncryptionMode, constants: Uint8Array) {
    this.#mode = mode;
    this.#constants = wordsOf(new Uint8Array(constants)); // a copy starts on a word
    const pattern = this.#pattern;
    for (let words = 4, bit = 0; words < pattern.length; words *= 2, bit++) {
      const tweak = this.#constants.subarray(bit * 4, bit * 4 + 4);
      mix(pattern.subarray(words), pattern, { pattern: NO_PATTERN, at: 0, words, tweak });
    }
  }

  /** `address` and the length of `plain` are multiples of 16. Returns new bytes, as many. */
  encrypt(key: Uint8Array, address: number, plain: Uint8Array): Uint8Array {
    return this.#transform(this.#cipher(key).encrypt, address, plain, true, this.#mode === 'XEX');
  }

  /** `address` and the length of `cells` are multiples of 16. Returns new bytes, as many. */
  decrypt(key: Uint8Array, address: number, cells: Uint8Array): Uint8Array {
    return this.#transform(this.#cipher(key).decrypt, address, cells, this.#mode === 'XEX', true);
  }

  #transform(
    cipher: Cipher | Decipher,
    address: number,
    input: Uint8Array,
    tweakBefore: boolean,
    tweakAfter: boolean,
  ): Uint8Array {
    if (this.#mode === 'identity') return new Uint8Array(input);
    const aligned = input.byteOffset % 4 === 0 ? input : new Uint8Array(input);
    const first = this.#piece(cipher, address, aligned, tweakBefore, tweakAfter);
    if (first.length === input.length) return first;
    const output = new Uint8Array(input.length);
    output.set(first);
    for (let done = first.length; done < input.length; ) {
      const piece = this.#piece(cipher, address + done, aligned.subarray(done), tweakBefore, tweakAfter);
      output.set(piece, done);
      done += piece.length;
    }
    return output;
  }

  /** New bytes for the start of `input`, up to the next multiple of PIECE. */
  #piece(
    cipher: Cipher | Decipher,
    address: number,
    input: Uint8Array,
    tweakBefore: boolean,
    tweakAfter: boolean,
  ): Uint8Array {
    const inPiece = address % PIECE;
    const length = Math.min(input.length, PIECE - inPiece);
    const span = {
      pattern: this.#pattern,
      at: inPiece >> 2, // by shifting: V8 indexes with integers faster than with what a division gives
      words: length >> 2,
      tweak: this.#tweak(address - inPiece),
    };
    if (tweakBefore) mix(SCRATCH, wordsOf(input), span);
    const { buffer, byteOffset } = cipher.update((tweakBefore ? SCRATCH_BYTES : input).subarray(0, length));
    const output = new Uint8Array(buffer, byteOffset, length); // update() gives bytes that nobody else has
    if (tweakAfter) mix(wordsOf(output), wordsOf(output), span);
    return output;
  }

  #cipher(key: Uint8Array): { encrypt: Cipher; decrypt: Decipher } {
    let pair = this.#ciphers.get(key);
    if (pair === undefined) {
      const secret = createSecretKey(key);
      const name = `aes-${key.length * 8}-ecb`;
      pair = {
        encrypt: createCipheriv(name, secret, null).setAutoPadding(false), // ECB without padding keeps no state
        decrypt: createDecipheriv(name, secret, null).setAutoPadding(false),
      };
      this.#ciphers.set(key, pair);
    }
    return pair;
  }

  #tweak(address: number): Int32Array {
    const tweak = new Int32Array(4);
    let bits = Math.floor(address / BLOCK);
    for (let bit = 0; bits > 0 && bit < TWEAKED_BITS; bit++, bits = Math.floor(bits / 2)) {
      if (bits % 2 === 0) continue;
      for (let word = 0; word < 4; word++) tweak[word]! ^= this.#constants[bit * 4 + word]!;
    }
    return tweak;
  }
}

/** Tweaks of the blocks one after another: the pattern from a word on, each block of it with `tweak`. */
interface TweakSpan {
  readonly pattern: Int32Array;
  readonly at: number;
  readonly words: number;
  /** Four words. */
  readonly tweak: Int32Array;
}

/** Copies blocks, each with its tweak. */
function mix(to: Int32Array, from: Int32Array, { pattern, at, words, tweak }: TweakSpan): void {
  const [t0, t1, t2, t3] = [tweak[0]!, tweak[1]!, tweak[2]!, tweak[3]!];
  for (let i = 0; i < words; i += 4) {
    to[i] = from[i]! ^ pattern[at + i]! ^ t0;
    to[i + 1] = from[i + 1]! ^ pattern[at + i + 1]! ^ t1;
    to[i + 2] = from[i + 2]! ^ pattern[at + i + 2]! ^ t2;
    to[i + 3] = from[i + 3]! ^ pattern[at + i + 3]! ^ t3;
  }
}

/** What the machine draws at each start, in bytes. */
export const TWEAK_CONSTANTS_SIZE: number = TWEAKED_BITS * BLOCK;

/** The same bytes as native words: XOR does not care for their order. They must start on a word of their buffer. */
const wordsOf = (bytes: Uint8Array): Int32Array =>
  new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
