import { createHash, randomBytes } from 'node:crypto';

/**
 * One actor's random bytes, as plain data. Two copies of a state draw the same bytes. A seeded stream depends on
 * the seed and its own name only, so a further draw by one actor moves no other's bytes.
 */
export interface EntropyState {
  readonly name: string;
  /** Absent for the system's entropy, which no copy can repeat. */
  readonly seed?: string;
  /** How often something was drawn. */
  draws: number;
}

/** A stream to draw from. */
export interface Entropy {
  readonly state: EntropyState;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** The stream called `name`; the same seed gives the same bytes on every machine. */
export const seededEntropy = (seed: string, name: string): Entropy => entropyFrom({ name, seed, draws: 0 });

/** The operating system's random bytes. */
export const systemEntropy = (name: string): Entropy => entropyFrom({ name, draws: 0 });

/** Continues from a state; draws move that state on. */
export function entropyFrom(state: EntropyState): Entropy {
  return {
    state,
    bytes(length) {
      if (state.seed === undefined) return new Uint8Array(randomBytes(length));
      // SHAKE256 gives any number of bytes, so one draw is one hash, whatever its length
      const shake = createHash('shake256', { outputLength: length });
      shake.update(`sevlab entropy\0${state.seed}\0${state.name}\0${state.draws++}`);
      return new Uint8Array(shake.digest());
    },
  };
}

/** An independent stream in the same place: both draw the same bytes from here on, when seeded. */
export const forkEntropy = (entropy: Entropy): Entropy => entropyFrom({ ...entropy.state });
