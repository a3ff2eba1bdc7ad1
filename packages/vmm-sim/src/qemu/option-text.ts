import { utf8 } from '@sevlab/codec/bytes';
import { fillForm } from '@sevlab/codec/message-form';
import type { JsonObject, JsonValue } from '../qmp/json-value.ts';
import { createReader, readMessages } from '../qmp/message-reader.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { OPTION_MESSAGES } from './option-messages.ts';

/** The command line is not one that QEMU would take; the words behind the program's name. */
export class UsageError extends Error {
  /** What the program calls itself there. */
  readonly program: string;

  constructor(message: string, program = 'qemu-system-x86_64') {
    super(message);
    this.name = 'UsageError';
    this.program = program;
  }
}

/** An option's value is not as it should be; QEMU puts the option in front of these words. */
export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueError';
  }
}

/** What an option says, by key. */
export type OptionValues = ReadonlyMap<string, string>;

/**
 * `key=value,key=value`, where `,,` is a comma in a value and the first value may do without its key. A key alone is
 * switched on, and off with `no` in front (QEMU, util/qemu-option.c and util/keyval.c).
 */
export function parseOption(text: string, impliedKey?: string): OptionValues {
  const values = new Map<string, string>();
  for (const [i, part] of splitAtCommas(text).entries()) {
    const equals = part.indexOf('=');
    if (equals !== -1) values.set(part.slice(0, equals), part.slice(equals + 1));
    else if (i === 0 && impliedKey !== undefined) values.set(impliedKey, part);
    else if (part.startsWith('no') && part.length > 2) values.set(part.slice(2), 'off');
    else values.set(part, 'on');
  }
  return values;
}

/** Parts between commas; `,,` is a comma in a part. */
export const splitAtCommas = (text: string): string[] =>
  partsOf(text).map((part) => part.replaceAll(',,', ','));

/** What stands between the commas of an option, as it was written. */
const partsOf = (text: string): readonly string[] => text.match(/(?:[^,]|,,)+/g) ?? [];

/** An option without the values of some keys. */
export const withoutKeys = (text: string, keys: ReadonlySet<string>): string =>
  partsOf(text)
    .filter((part) => !keys.has(part.replace(/=.*$/s, '')))
    .join(',');

/** A value as it is written in an option. */
export const optionValue = (text: string): string => text.replaceAll(',', ',,');

/** An option's value in JSON, as QEMU reads it. Throws ValueError. */
export function parseJson(text: string): JsonObject {
  const reader = createReader();
  const [first, ...more] = [...readMessages(reader, utf8(text))];
  if (first === undefined) throw new ValueError(fillForm(QMP_MESSAGES['no JSON'], { why: 'premature EOI' }));
  if ('error' in first) throw new ValueError(first.error);
  if (more.length > 0 || reader.tokens.length > 0 || reader.lexer.length > 0)
    throw new ValueError(OPTION_MESSAGES['several values']);
  if (!(first.message instanceof Map)) throw new ValueError(OPTION_MESSAGES['JSON no object']);
  return first.message;
}

/** Its members as if they were words. Throws ValueError. */
export const parseJsonOption = (text: string): OptionValues =>
  new Map([...parseJson(text)].map(([key, value]) => [key, inWords(value)]));

const inWords = (value: JsonValue): string =>
  value === true ? 'on' : value === false ? 'off' : String(value);

const SIZE_LETTERS = 'bkmgtpe';

/** Bytes: a number with a letter behind it, or else in units of `unit` bytes. Throws ValueError. */
export function parseSize(name: string, text: string, unit: bigint): bigint {
  const [, whole = '', fraction = '', letter = ''] = /^(\d+)(\.\d+)?([bkmgtpe]?)$/i.exec(text) ?? [];
  if (whole === '')
    throw new ValueError(
      `${fillForm(QMP_MESSAGES['expects other'], { name, expected: 'a non-negative number below 2^64' })}\n` +
        'Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.',
    );
  const factor = letter === '' ? unit : 1024n ** BigInt(SIZE_LETTERS.indexOf(letter.toLowerCase()));
  const bytes = BigInt(whole) * factor + BigInt(Math.floor(Number(`0${fraction}`) * Number(factor)));
  if (bytes >= 1n << 64n)
    throw new ValueError(fillForm(OPTION_MESSAGES['out of range'], { value: text, name }));
  return bytes;
}

/** Throws ValueError for a key that is none of those. */
export function expectKeys(values: OptionValues, known: readonly string[]): void {
  const other = [...values.keys()].find((key) => !known.includes(key));
  if (other !== undefined) throw new ValueError(fillForm(OPTION_MESSAGES['no key'], { key: other }));
}

/** A switch. Throws ValueError. */
export function parseSwitch(name: string, text: string): boolean {
  if (['on', 'yes', 'true', 'y'].includes(text)) return true;
  if (['off', 'no', 'false', 'n'].includes(text)) return false;
  throw new ValueError(fillForm(QMP_MESSAGES['expects other'], { name, expected: "'on' or 'off'" }));
}

/** A whole number, decimal or 0x…. Throws ValueError. */
export function parseNumber(name: string, text: string): number {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new ValueError(fillForm(QMP_MESSAGES['expects other'], { name, expected: 'a number' }));
  return value;
}
