/** A line for people that is not as its command wants it; the words in front of where help is. */
export class HumanError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HumanError';
  }
}

/** How memory and numbers are shown: the last format and unit that were given stay (monitor/hmp.c: default_fmt_size). */
export interface DumpFormat {
  /** One of DUMP_FORMATS. */
  format: string;
  /** Bytes of a unit. */
  size: number;
}

const FORMAT_LETTERS = 'xduoc';
/** Bytes of a unit by its letter. */
const UNITS: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8, L: 8 };

/** A line of the monitor for people, read from the left (QEMU 7.2, monitor/hmp.c). All that reads throws HumanError. */
export class HumanLine {
  readonly text: string;
  #at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** What has been read so far, blanks in front included. */
  get read(): string {
    return this.text.slice(0, this.#at);
  }

  get atEnd(): boolean {
    return this.#at >= this.text.length;
  }

  skipBlanks(): void {
    this.#take(/\s*/y);
  }

  /** A command's name: it ends before a blank or a slash. */
  name(): string {
    this.skipBlanks();
    return this.#take(/[^\s/]*/y);
  }

  /** What is left must be blank. `names` are the command's. */
  end(names: string): void {
    this.skipBlanks();
    if (!this.atEnd) throw new HumanError(`${names}: extraneous characters at the end of line`);
  }

  /** A word, in quotes or not; undefined at the end, and where a quote is not closed. */
  word(): string | undefined {
    this.skipBlanks();
    if (this.atEnd) return undefined;
    if (this.text[this.#at] !== '"') return this.#take(/\S+/y);
    const quoted = this.#take(/"(\\[nr\\'"]|[^"\\])*"/y);
    return quoted === '' ? undefined : plainText(quoted.slice(1, -1));
  }

  /** `/COUNTFORMATUNIT`, all of which may be left out; `kept` is what counts then, and is changed. Returns the count. */
  format(kept: DumpFormat): number {
    this.skipBlanks();
    if (this.#take(/\//y) === '') return 1;
    const count = this.#take(/\d*/y);
    let { format, size } = kept;
    for (const letter of this.#take(/[xduocbhwgL]*/y)) {
      if (FORMAT_LETTERS.includes(letter)) format = letter;
      else size = UNITS[letter]!; // the others are units
    }
    const next = this.text[this.#at];
    if (next !== undefined && !/\s/.test(next)) throw new HumanError(`invalid char in format: '${next}'`);
    Object.assign(kept, { format, size });
    return count === '' ? 1 : Number(BigInt.asIntN(32, clampToLong(BigInt(count))));
  }

  /** A sum of numbers, 64 bits, signed. NOT MODELLED: registers. */
  expression(): bigint {
    this.skipBlanks();
    return this.#operations(/[+-]/y, () =>
      this.#operations(/[&|^]/y, () => this.#operations(/[*/%]/y, () => this.#unary())),
    );
  }

  /** The same, but 32 bits. `names` are the command's. */
  integer(names: string): bigint {
    const value = this.expression();
    if (value >> 32n !== 0n) throw new HumanError(`'${names}' has failed: integer is for 32-bit values`);
    return value;
  }

  #operations(operator: RegExp, operand: () => bigint): bigint {
    let value = operand();
    for (let found = this.#take(operator); found !== ''; found = this.#take(operator)) {
      this.skipBlanks();
      value = BigInt.asIntN(64, OPERATIONS[found]!(value, operand())); // every operator has one
    }
    return value;
  }

  #unary(): bigint {
    const first = this.#take(/./sy);
    if (first === '') throw new HumanError('unexpected end of expression');
    if (Object.hasOwn(SIGNS, first)) {
      this.skipBlanks();
      return BigInt.asIntN(64, SIGNS[first]!(this.#unary()));
    }
    if (first === '(') return this.#inParentheses();
    if (first === "'") return this.#character();
    if (first === '$') throw new HumanError('unknown register');
    this.#at--;
    const digits = this.#take(/0[xX][0-9a-fA-F]+|0[0-7]*|\d+/y);
    if (digits === '') throw new HumanError(`invalid char '${first}' in expression`);
    const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits}` : digits);
    if (value >= 1n << 64n) throw new HumanError('number too large');
    this.skipBlanks();
    return BigInt.asIntN(64, value);
  }

  #inParentheses(): bigint {
    const value = this.expression();
    if (this.#take(/\)/y) === '') throw new HumanError("')' expected");
    this.skipBlanks();
    return value;
  }

  #character(): bigint {
    const letter = this.#take(/./sy);
    if (letter === '') throw new HumanError('character constant expected');
    if (this.#take(/'/y) === '') throw new HumanError("missing terminating ' character");
    this.skipBlanks();
    return BigInt(letter.charCodeAt(0));
  }

  /** What the pattern, which is sticky, finds here. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}

const divide = (a: bigint, b: bigint, act: (a: bigint, b: bigint) => bigint): bigint => {
  if (b === 0n) throw new HumanError('division by zero');
  return act(a, b);
};

const OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '*': (a, b) => a * b,
  '/': (a, b) => divide(a, b, (x, y) => x / y),
  '%': (a, b) => divide(a, b, (x, y) => x % y),
};

const SIGNS: Readonly<Record<string, (value: bigint) => bigint>> = {
  '+': (value) => value,
  '-': (value) => -value,
  '~': (value) => ~value,
};

const LONG_MAX = (1n << 63n) - 1n;
const clampToLong = (value: bigint): bigint => (value > LONG_MAX ? LONG_MAX : value);

const plainText = (text: string): string =>
  text.replace(/\\(.)/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? letter);
