/** What a byte is to whoever looks at it. */
export type Nature =
  /** Everybody who can look at the place reads it. */
  | 'plain'
  /** Noise without the key. */
  | 'cipher'
  /** Plaintext of private memory or of a secret, which only trusted parties see. */
  | 'secret'
  /** A zero where a secret was. */
  | 'wiped'
  /** The trace does not have it. */
  | 'unknown';

/** For those who listen instead of looking. */
export const NATURE_WORDS: Readonly<Record<Nature, string>> = {
  plain: '',
  cipher: 'ciphertext',
  secret: 'plaintext',
  wiped: 'wiped',
  unknown: 'not in the trace',
};
