/** What a person pressed: a character, or a key that does something. */
export type Key =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'control'; readonly code: number }
  | { readonly type: 'named'; readonly name: KeyName };

export type KeyName =
  | 'up'
  | 'down'
  | 'right'
  | 'left'
  | 'home'
  | 'end'
  | 'delete'
  | 'word-left'
  | 'word-right'
  | 'delete-word'
  | 'unknown';

/** Bytes that do not make a key yet, as plain data. */
export interface KeyDecoder {
  /** The start of a character in UTF-8, or of an escape sequence; at most ESCAPE_MAX. */
  pending: number[];
}

export const createKeyDecoder = (): KeyDecoder => ({ pending: [] });

const ESC = 0x1b;
const DEL = 0x7f;
/** An escape sequence that is longer is none. */
const ESCAPE_MAX = 16;
const REPLACEMENT = '\ufffd';

/** xterm's sequences behind ESC; modifiers (`1;5`) are looked at for words only. */
const SEQUENCES: ReadonlyMap<string, KeyName> = new Map([
  ['[A', 'up'],
  ['OA', 'up'],
  ['[B', 'down'],
  ['OB', 'down'],
  ['[C', 'right'],
  ['OC', 'right'],
  ['[D', 'left'],
  ['OD', 'left'],
  ['[H', 'home'],
  ['OH', 'home'],
  ['[1~', 'home'],
  ['[7~', 'home'],
  ['[F', 'end'],
  ['OF', 'end'],
  ['[4~', 'end'],
  ['[8~', 'end'],
  ['[3~', 'delete'],
  ['[1;5C', 'word-right'],
  ['[1;3C', 'word-right'],
  ['f', 'word-right'],
  ['[1;5D', 'word-left'],
  ['[1;3D', 'word-left'],
  ['b', 'word-left'],
  ['d', 'delete-word'],
]);

/** Takes one byte. Answers the keys that it completes: none, one, or two when it broke off another. */
export function decodeKey(decoder: KeyDecoder, byte: number): Key[] {
  if (decoder.pending.length === 0) return start(decoder, byte);
  return decoder.pending[0] === ESC ? continueEscape(decoder, byte) : continueCharacter(decoder, byte);
}

function start(decoder: KeyDecoder, byte: number): Key[] {
  if (byte === ESC || (byte >= 0xc2 && byte <= 0xf4)) {
    decoder.pending = [byte];
    return [];
  }
  if (byte < 0x20 || byte === DEL) return [{ type: 'control', code: byte }];
  return [{ type: 'text', text: byte < 0x80 ? String.fromCharCode(byte) : REPLACEMENT }];
}

/** ECMA-48: ESC, `[`, parameters, and one letter that ends it; `O` and a letter; or one character. */
function continueEscape(decoder: KeyDecoder, byte: number): Key[] {
  const sequence = String.fromCharCode(...decoder.pending.slice(1), byte);
  if (byte === ESC || byte < 0x20) {
    decoder.pending = [];
    return start(decoder, byte); // what came before was cut off
  }
  const open = sequence === '[' || sequence === 'O' || (sequence.startsWith('[') && byte < 0x40);
  if (open && sequence.length < ESCAPE_MAX) {
    decoder.pending.push(byte);
    return [];
  }
  decoder.pending = [];
  return [{ type: 'named', name: SEQUENCES.get(sequence) ?? 'unknown' }];
}

function continueCharacter(decoder: KeyDecoder, byte: number): Key[] {
  const { pending } = decoder;
  if ((byte & 0xc0) !== 0x80) {
    decoder.pending = [];
    return [{ type: 'text', text: REPLACEMENT }, ...start(decoder, byte)];
  }
  const bytes = [...pending, byte];
  const [lead = 0] = bytes;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (bytes.length < length) {
    decoder.pending = bytes;
    return [];
  }
  decoder.pending = [];
  return [{ type: 'text', text: codePointOf(bytes) }];
}

function codePointOf(bytes: readonly number[]): string {
  const [lead = 0, ...rest] = bytes;
  const code = rest.reduce((sum, byte) => (sum << 6) | (byte & 0x3f), lead & (0x7f >> bytes.length));
  const least = [0, 0, 0x80, 0x800, 0x10000][bytes.length] ?? 0;
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  const control = code >= 0x80 && code < 0xa0; // terminals take U+009B for ESC [
  const valid = code >= least && code <= 0x10ffff && !surrogate && !control;
  return valid ? String.fromCodePoint(code) : REPLACEMENT;
}
