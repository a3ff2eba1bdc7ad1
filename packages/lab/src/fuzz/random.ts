import { createHash } from 'node:crypto';
import { Random } from 'fast-check';

/** xoshiro128** (Blackman, Vigna), as fast-check wants a generator of numbers. */
class Numbers {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(a: number, b: number, c: number, d: number) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  clone(): Numbers {
    return new Numbers(this.#a, this.#b, this.#c, this.#d);
  }

  /** From -2^31 to 2^31 - 1. */
  next(): number {
    const number = Math.imul(rotated(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotated(this.#d, 11);
    return number;
  }

  getState(): readonly number[] {
    return [this.#a, this.#b, this.#c, this.#d];
  }
}

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** What a case is drawn with: nothing but campaign, door and index decide. */
export function randomOf(seed: string, door: string, index: number): Random {
  const digest = createHash('sha256').update(`${seed}\0${door}\0${index}`).digest();
  const word = (at: number): number => digest.readInt32LE(at);
  return new Random(new Numbers(word(0), word(4), word(8), word(12)));
}

/** How often values at edges come, as one in so many: less often later, as in fast-check's own runs. */
export const edgesOf = (index: number): number => 2 + Math.floor(Math.log10(index + 1));
