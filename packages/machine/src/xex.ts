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
const PAGE = 4096;
/** Longer input is worked on in pieces of this many bytes, so that each stays in the processor's cache. */
const PIECE = 128 * 1024;

/** Encrypts blocks at system-physical addresses, with one tweak table and any number of keys. */
export class BlockEncryption {
  readonly #mode: EncryptionMode;
  readonly #constants: Int32Array;
  /** T of the 256 blocks of a page, without the bits above. */
  readonly #pagePattern = new Int32Array(PAGE / 4);
  readonly #ciphers = new WeakMap<Uint8Array, { encrypt: Cipher; decrypt: Decipher }>();

  /** `constants`: TWEAKED_BITS × 16 bytes. */
  constructor(mode: EncryptionMode, constants: Uint8Array) {
    this.#mode = mode;
    this.#constants = wordsOf(new Uint8Array(constants)); // a copy starts on a word
    for (let block = 0; block < PAGE / BLOCK; block++) {
      this.#pagePattern.set(this.#tweak(block * BLOCK), block * 4);
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
    const output = new Uint8Array(input.length);
    const scratch = new Uint8Array(Math.min(input.length, PIECE));
    for (let done = 0; done < input.length; done += PIECE) {
      const piece = scratch.subarray(0, Math.min(input.length - done, PIECE));
      piece.set(input.subarray(done, done + PIECE));
      if (tweakBefore) this.#mix(address + done, wordsOf(piece));
      output.set(cipher.update(piece), done);
      if (tweakAfter) this.#mix(address + done, wordsOf(output.subarray(done, done + piece.length)));
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

  /** XORs T of each block, in place. */
  #mix(address: number, data: Int32Array): void {
    for (let word = 0; word < data.length; ) {
      const at = address + word * 4;
      const inPage = (at % PAGE) / 4;
      const page = this.#tweak(at - (at % PAGE));
      const [t0, t1, t2, t3] = [page[0]!, page[1]!, page[2]!, page[3]!];
      const end = Math.min(data.length, word + PAGE / 4 - inPage);
      for (let pattern = inPage; word < end; word += 4, pattern += 4) {
        data[word]! ^= this.#pagePattern[pattern]! ^ t0;
        data[word + 1]! ^= this.#pagePattern[pattern + 1]! ^ t1;
        data[word + 2]! ^= this.#pagePattern[pattern + 2]! ^ t2;
        data[word + 3]! ^= this.#pagePattern[pattern + 3]! ^ t3;
      }
    }
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

/** The same bytes as native words: XOR does not care for their order. They must start on a word of their buffer. */
const wordsOf = (bytes: Uint8Array): Int32Array =>
  new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
