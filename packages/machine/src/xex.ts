import { type Cipher, createCipheriv, createDecipheriv, createSecretKey, type Decipher } from 'node:crypto';
import { addTweaks, PIECE, REGION, STEPS } from './add-tweaks.ts';

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

/** Encrypts blocks at system-physical addresses, with one tweak table and any number of keys. */
export class BlockEncryption {
  readonly #mode: EncryptionMode;
  readonly #constants: Int32Array;
  /** What the tweak changes by from a block to the next: the constants of all address bits that flip. */
  readonly #steps = new Int32Array(STEPS * 4);
  readonly #ciphers = new WeakMap<Uint8Array, { encrypt: Cipher; decrypt: Decipher }>();

  /** `constants`: TWEAKED_BITS × 16 bytes. */
  constructor(mode: EncryptionMode, constants: Uint8Array) {
    this.#mode = mode;
    this.#constants = new Int32Array(new Uint8Array(constants).buffer); // native words: XOR does not care for their order
    const steps = this.#steps;
    for (let i = 0; i < steps.length; i++) steps[i] = this.#constants[i]! ^ (steps[i - 4] ?? 0);
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
    const first = this.#piece(cipher, address, input, tweakBefore, tweakAfter);
    if (first.length === input.length) return first;
    const output = new Uint8Array(input.length);
    output.set(first);
    for (let done = first.length; done < input.length; ) {
      const piece = this.#piece(cipher, address + done, input.subarray(done), tweakBefore, tweakAfter);
      output.set(piece, done);
      done += piece.length;
    }
    return output;
  }

  /** New bytes for the start of `input`, as many as addTweaks() takes. */
  #piece(
    cipher: Cipher | Decipher,
    address: number,
    input: Uint8Array,
    tweakBefore: boolean,
    tweakAfter: boolean,
  ): Uint8Array {
    const inRegion = address % REGION;
    const length = Math.min(input.length, PIECE, REGION - inRegion);
    const tweak = this.#tweak(address);
    const part = input.subarray(0, length);
    const before = tweakBefore ? addTweaks(part, inRegion, tweak, this.#steps) : part;
    const { buffer, byteOffset } = cipher.update(before);
    const output = new Uint8Array(buffer, byteOffset, length); // update() gives bytes that nobody else has
    if (tweakAfter) {
      const after = addTweaks(output, inRegion, tweak, this.#steps);
      output.set(after);
      after.fill(0); // no plaintext stays outside of guest memory
    }
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

/** What the machine draws at each start, in bytes. */
export const TWEAK_CONSTANTS_SIZE: number = TWEAKED_BITS * BLOCK;
