const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const RANK: ReadonlyMap<string, number> = new Map([
  ...[...ALPHABET].map((letter, rank): [string, number] => [letter, rank]),
  ['=', 0],
]);

/**
 * Decodes Base64 as GLib does (g_base64_decode): characters that are not of it are passed over, `-` and `_` among them,
 * and a last group of fewer than four is dropped. It accepts anything.
 */
export function glibBase64(text: string): Uint8Array {
  const bytes: number[] = [];
  let group: string[] = [];
  for (const letter of text) {
    if (!RANK.has(letter)) continue;
    group.push(letter);
    if (group.length < 4) continue;
    const value = group.reduce((sum, each) => (sum << 6) | RANK.get(each)!, 0); // only those with a rank are in it
    bytes.push((value >> 16) & 0xff);
    if (group[2] !== '=') bytes.push((value >> 8) & 0xff);
    if (group[3] !== '=') bytes.push(value & 0xff);
    group = [];
  }
  return Uint8Array.from(bytes);
}

/** Whether that drops more than blanks and line ends. */
export function dropsSomething(text: string): boolean {
  const letters = [...text.replace(/\s/g, '')];
  return letters.some((letter) => !RANK.has(letter)) || letters.length % 4 !== 0;
}
