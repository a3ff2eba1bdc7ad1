import type { Token } from './json-lexer.ts';
import { decodeDamagedText, decodeText, isCharacter } from './json-text.ts';
import type { JsonObject, JsonValue } from './json-value.ts';

/** A message that cannot be read; the words behind `JSON parse error, `. */
export class JsonError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonError';
  }
}

/** Parses the tokens of one message, with QEMU's words for what is wrong (7.2, qobject/json-parser.c). Throws JsonError. */
export function parseTokens(tokens: readonly Token[]): JsonValue {
  return new Parser(tokens).value();
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  value(): JsonValue {
    const token = this.#tokens[this.#next];
    switch (token?.type) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case 'string':
        this.#next++;
        return parseString(token.bytes);
      case 'integer':
        this.#next++;
        return parseInteger(ascii(token.bytes));
      case 'float':
        this.#next++;
        return Number(ascii(token.bytes));
      case 'keyword':
        this.#next++;
        return parseKeyword(ascii(token.bytes));
      default:
        throw new JsonError('expecting value');
    }
  }

  #object(): JsonObject {
    const object = new Map<string, JsonValue>();
    this.#next++;
    if (this.#take('}')) return object;
    do {
      const key = this.value();
      if (typeof key !== 'string') throw new JsonError('key is not a string in object');
      if (!this.#take(':')) throw new JsonError('missing : in object pair');
      const value = this.value();
      if (object.has(key)) throw new JsonError('duplicate key');
      object.set(key, value);
      if (this.#take('}')) return object;
    } while (this.#take(','));
    throw new JsonError('expected separator in dict');
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#next++;
    if (this.#take(']')) return array;
    do {
      array.push(this.value());
      if (this.#take(']')) return array;
    } while (this.#take(','));
    throw new JsonError('expected separator in list');
  }

  #take(type: Token['type']): boolean {
    if (this.#tokens[this.#next]?.type !== type) return false;
    this.#next++;
    return true;
  }
}

const ascii = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

const KEYWORDS: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function parseKeyword(word: string): null | boolean {
  const value = KEYWORDS.get(word);
  if (value === undefined) throw new JsonError(`invalid keyword '${word}'`);
  return value;
}

/** No number of 64 bits has more characters. */
const INTEGER_LENGTH_MAX = 20;

/** What has no room in 64 bits becomes a floating-point number. */
function parseInteger(digits: string): bigint | number {
  if (digits.length > INTEGER_LENGTH_MAX) return Number(digits);
  const value = BigInt(digits);
  return value >= -(1n << 63n) && value < 1n << 64n ? value : Number(digits);
}

const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '"': '"', "'": "'", '\\': '\\', '/': '/' },
  ...{ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' },
};

/** `token` has its quotes. */
function parseString(token: Uint8Array): string {
  const end = token.length - 1;
  let text = '';
  for (let at = 1; at < end; ) {
    if (token[at] === BACKSLASH) {
      const escaped = parseEscape(token, at);
      text += escaped.text;
      at += escaped.length;
      continue;
    }
    const next = token.indexOf(BACKSLASH, at);
    const stop = next === -1 ? end : next;
    const run = decodeText(token.subarray(at, stop));
    if (run === undefined) throw new JsonError('invalid UTF-8 sequence in string');
    text += run;
    at = stop;
  }
  return text;
}

/** The escape sequence at `at`, where there is a backslash. */
function parseEscape(token: Uint8Array, at: number): { readonly text: string; readonly length: number } {
  const letter = String.fromCharCode(token[at + 1]!); // no string ends with a backslash
  if (letter !== 'u') {
    const text = ESCAPES[letter];
    if (text === undefined) throw new JsonError('invalid escape sequence in string');
    return { text, length: 2 };
  }
  const first = hexAt(token, at + 2);
  const second =
    isBetween(first, 0xd800, 0xdbff) && isUnicodeEscape(token, at + 6) ? hexAt(token, at + 8) : undefined;
  const pair = isBetween(second, 0xdc00, 0xdfff);
  const code = pair ? 0x1_0000 + ((first! & 0x3ff) << 10) + (second! & 0x3ff) : first;
  const length = pair ? 12 : 6;
  if (code !== undefined && isCharacter(code)) return { text: String.fromCodePoint(code), length };
  const shown = decodeDamagedText(token.subarray(at, at + length)); // it may reach over the closing quote
  throw new JsonError(`${shown} is not a valid Unicode character`);
}

const isBetween = (value: number | undefined, first: number, last: number): boolean =>
  value !== undefined && value >= first && value <= last;

const isUnicodeEscape = (token: Uint8Array, at: number): boolean =>
  token[at] === BACKSLASH && token[at + 1] === 'u'.charCodeAt(0);

/** Four hexadecimal digits. */
function hexAt(token: Uint8Array, at: number): number | undefined {
  const digits = ascii(token.subarray(at, at + 4));
  return /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
