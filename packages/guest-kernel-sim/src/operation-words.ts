import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { fromHex } from '@sevlab/codec/bytes';
import { PLAIN_GUEST } from './plain-guest.ts';
import { SECURITY_ROOT } from './pseudo-files.ts';

/** Where the driver's files are. */
export const SECRETS = `${SECURITY_ROOT}/secrets/coco`;
/** At most this many bytes of memory are read or written by one operation: as many as the largest area has. */
const MEMORY_MAX = 0x20_0000;
/** The test program under a real kernel reads into a buffer of this many bytes. */
const READ_MAX = 65536;
/** It keeps this many descriptors. */
const DESCRIPTORS = 16;
/** The highest uid or gid: the one above means "leave it" (chown(2)). */
const ID_MAX = 0xffff_fffe;
const NATURAL = /^(0x[0-9a-f]+|\d+)$/i;

/** The content of a file on the caller's side, or undefined when there is none of that name. */
export type ReadFile = (path: string) => Uint8Array | undefined;

/** An operation as it was typed, such as `rm GUID`: its words are taken one after another. */
export class Words {
  readonly all: readonly string[];
  readonly readFile: ReadFile;
  readonly #line: string;
  #taken = 0;

  constructor(line: string, readFile: ReadFile) {
    this.#line = line.trim();
    this.all = this.#line.split(/\s+/).filter((word) => word !== '');
    this.readFile = readFile;
  }

  get left(): number {
    return this.all.length - this.#taken;
  }

  /** What the next word means. Throws RangeError when there is none, or when `parse` does not know it. */
  take<T>(expected: string, parse: (word: string) => T | undefined): T {
    const word = this.all[this.#taken++];
    const meaning = word === undefined ? undefined : parse(word);
    if (meaning === undefined) throw this.refusal(expected, word === undefined ? 'nothing' : `'${word}'`);
    return meaning;
  }

  /** Throws RangeError when there are more words. */
  end(): void {
    if (this.left > 0) throw this.refusal('no more words', `'${this.all[this.#taken]}'`);
  }

  refusal(expected: string, got: string): RangeError {
    return new RangeError(`operation '${this.#line}': expected ${expected}, got ${got}`);
  }
}

/** Takes what one argument consists of. Throws RangeError. */
export type Parameter<T> = (words: Words) => T;

/** An argument that may be left out, at the end. */
export const optional =
  <T>(parameter: Parameter<T>, otherwise: T): Parameter<T> =>
  (words) =>
    words.left > 0 ? parameter(words) : otherwise;

/** One of a table's keys; gives what lies there. */
export const oneOf =
  <T>(table: Readonly<Record<string, T>>): Parameter<T> =>
  (words) =>
    words.take(`one of ${Object.keys(table).join(' ')}`, (word) =>
      Object.hasOwn(table, word) ? table[word] : undefined,
    );

const natural = (what: string, max: number): Parameter<number> => {
  const expected = `${what} from 0 to ${max}, decimal or 0x…`;
  return (words) =>
    words.take(expected, (word) => (NATURAL.test(word) && Number(word) <= max ? Number(word) : undefined));
};

export const userId = natural('a user', ID_MAX);
export const groupId = natural('a group', ID_MAX);
export const descriptor = natural('a descriptor', DESCRIPTORS - 1);
export const readLength = natural('a number of bytes', READ_MAX);

/** A number that the kernel judges: it may be negative. */
export const integer: Parameter<number> = (words) =>
  words.take('a number, decimal or 0x…', (word) => {
    const magnitude = Number(word.replace(/^-/, ''));
    if (!NATURAL.test(word.replace(/^-/, '')) || !Number.isSafeInteger(magnitude)) return undefined;
    return word.startsWith('-') ? -magnitude : magnitude;
  });

/** A mode as chmod(1) takes it. */
export const octalMode: Parameter<number> = (words) =>
  words.take('a mode of one to four octal digits', (word) =>
    /^[0-7]{1,4}$/.test(word) ? Number.parseInt(word, 8) : undefined,
  );

/** A file's name as it was typed; see inside(). */
export const name: Parameter<string> = (words) => words.take('a GUID or a path', (word) => word);

/** A bare name is one in secrets/coco. */
export const inside = (word: string): string => (word.startsWith('/') ? word : `${SECRETS}/${word}`);

export const path: Parameter<string> = (words) => inside(name(words));

const address: Parameter<Gpa> = (words) =>
  words.take('an address such as 0x80c000', (word) => (NATURAL.test(word) ? gpa(BigInt(word)) : undefined));

/** Guest memory that an operation names. */
export interface MemoryRange {
  readonly at: Gpa;
  /** Bytes. */
  readonly length: number;
}

/** An address and a number of bytes, within guest memory. */
export const memoryRange: Parameter<MemoryRange> = (words) => {
  const at = address(words);
  const length = natural('a number of bytes', MEMORY_MAX)(words);
  expectMemory(words, at, length);
  return { at, length };
};

/** An address, and bytes for it that lie within guest memory then. */
export const placed =
  (bytes: Parameter<Uint8Array>): Parameter<{ readonly at: Gpa; readonly data: Uint8Array }> =>
  (words) => {
    const at = address(words);
    const data = bytes(words);
    if (data.length > MEMORY_MAX) throw words.refusal(`at most ${MEMORY_MAX} bytes`, `${data.length} bytes`);
    expectMemory(words, at, data.length);
    return { at, data };
  };

export const hexDigits: Parameter<Uint8Array> = (words) =>
  words.take('an even number of hexadecimal digits', (word) =>
    /^([0-9a-f]{2})+$/i.test(word) ? fromHex(word) : undefined,
  );

export const fileContent: Parameter<Uint8Array> = (words) => words.take('the path of a file', words.readFile);

function expectMemory(words: Words, at: Gpa, length: number): void {
  const end = at + BigInt(length);
  if (end <= PLAIN_GUEST.ramSize) return;
  throw words.refusal(
    `a range within guest memory, which ends at ${hexAddress(PLAIN_GUEST.ramSize)}`,
    `${hexAddress(at)} to ${hexAddress(end)}`,
  );
}
