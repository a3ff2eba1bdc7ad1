/**
 * In such a secret each character follows from the one before, so any piece of it is known for what it is, and whoever
 * looks for it needs no copy.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** A full cycle without a fixed point. */
const following = (index: number): number => (5 * index + 17) % ALPHABET.length;
/** Characters in a row that are no accident: one in 2^48 eights of them is. */
const PIECE = 8;

/** `length` bytes, each a character. */
export function chainedSecret(length: number): Uint8Array {
  let index = 0;
  return Uint8Array.from({ length }, () => {
    index = following(index);
    return ALPHABET.charCodeAt(index);
  });
}

/** What may follow a byte; 0 behind what is in no such secret. */
const NEXT = new Uint8Array(256);
for (const [index, character] of [...ALPHABET].entries())
  NEXT[character.charCodeAt(0)] = ALPHABET.charCodeAt(following(index));

/** Whether eight or more bytes of a chained secret are in there. */
export function holdsPiece(bytes: Uint8Array): boolean {
  let run = 1;
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at]!;
    run = byte !== 0 && byte === NEXT[bytes[at - 1]!] ? run + 1 : 1;
    if (run === PIECE) return true;
  }
  return false;
}
