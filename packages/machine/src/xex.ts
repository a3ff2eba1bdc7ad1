import { type Cipher, createCipheriv, createDecipheriv, createSecretKey, type Decipher } from 'node:crypto';
import { addTweaks, GROUP, REGION, tweakDifferences } from './add-tweaks.ts';

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

/** One way through the cipher, with one key. */
interface Way {
  readonly cipher: Cipher | Decipher;
  readonly tweakBefore: boolean;
  readonly tweakAfter: boolean;
}

/** Encrypts blocks at system-physical addresses, with one tweak table and any number of keys. */
export class BlockEncryption {
  readonly #mode: EncryptionMode;
  readonly #constants: Int32Array;
  readonly #differences: Int32Array;
  readonly #keys = new WeakMap<Uint8Array, { encrypt: Way; decrypt: Way }>();

  /** `constants`: TWEAKED_BITS × 16 bytes. */
  constructor(mode: EncryptionMode, constants: Uint8Array) {
    this.#mode = mode;
    this.#constants = new Int32Array(new Uint8Array(constants).buffer); // native words: XOR does not care for their order
    this.#differences = tweakDifferences(this.#constants);
  }

  /** `address` and the length of `plain` are multiples of 16. Returns new bytes, as many. */
  encrypt(key: Uint8Array, address: number, plain: Uint8Array): Uint8Array {
    return this.#transform(this.#ways(key).encrypt, address, plain);
  }

  /** `address` and the length of `cells` are multiples of 16. Returns new bytes, as many. */
  decrypt(key: Uint8Array, address: number, cells: Uint8Array): Uint8Array {
    return this.#transform(this.#ways(key).decrypt, address, cells);
  }

  #transform(way: Way, address: number, input: Uint8Array): Uint8Array {
    if (this.#mode === 'identity') return new Uint8Array(input);
    let end = REGION - (address % REGION);
    if (input.length <= end) return this.#piece(way, address, input);
    const output = new Uint8Array(Buffer.allocUnsafeSlow(input.length).buffer); // the pieces cover all of it
    for (let done = 0; done < input.length; done = end, end += REGION)
      this.#piece(way, address + done, input.subarray(done, end), output.subarray(done, end));
    return output;
  }

  /** `input` does not cross a multiple of REGION. Without an `output` for them, returns new bytes. */
  #piece(way: Way, address: number, input: Uint8Array, output?: Uint8Array): Uint8Array {
    const tweak = this.#tweak(address - (address % GROUP));
    const add = (bytes: Uint8Array) => addTweaks(bytes, address % REGION, tweak, this.#differences);
    const before = way.tweakBefore ? add(input) : input;
    const { buffer, byteOffset } = way.cipher.update(before);
    const behind = new Uint8Array(buffer, byteOffset, input.length); // update() gives bytes that nobody else has
    const after = way.tweakAfter ? add(behind) : behind;
    const result = output ?? behind;
    if (result !== after) result.set(after);
    (way.tweakAfter ? after : before).fill(0); // no plaintext stays outside of guest memory
    return result;
  }

  #ways(key: Uint8Array): { encrypt: Way; decrypt: Way } {
    let ways = this.#keys.get(key);
    if (ways === undefined) {
      const secret = createSecretKey(key);
      const name = `aes-${key.length * 8}-ecb`;
      const both = this.#mode === 'XEX';
      ways = {
        encrypt: { cipher: createCipheriv(name, secret, null), tweakBefore: true, tweakAfter: both },
        decrypt: { cipher: createDecipheriv(name, secret, null), tweakBefore: both, tweakAfter: true },
      };
      for (const { cipher } of [ways.encrypt, ways.decrypt]) cipher.setAutoPadding(false); // so that ECB keeps no state
      this.#keys.set(key, ways);
    }
    return ways;
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
