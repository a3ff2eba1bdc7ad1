import { fillForm } from '@sevlab/codec/message-form';
import { inHashTableOrder } from './glib-hash-table.ts';
import type { JsonObject, JsonValue } from './json-value.ts';
import { inDictionaryOrder } from './json-writer.ts';
import { QmpError } from './qmp-error.ts';
import { QMP_MESSAGES } from './qmp-messages.ts';

/** Takes a member's value, called `name` in messages. Throws QmpError. */
type Kind<T> = (name: string, value: JsonValue) => T;

/** A parameter of a command. */
interface Parameter<T> {
  readonly kind: Kind<T>;
  readonly required: boolean;
}

/** The parameters of a command by name, in the order of QEMU's schema: in this order they are looked at. */
export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** What a command is given: one that may be left out may be undefined. */
export type ArgumentsOf<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never;
};

const parameter = <T>(kind: Kind<T>): Parameter<T> => ({ kind, required: true });

/** The same, but it may be left out. */
export const optional = <T>({ kind }: Parameter<T>): Parameter<T | undefined> => ({ kind, required: false });

const wrongType = (name: string, expected: string): QmpError =>
  new QmpError(fillForm(QMP_MESSAGES['wrong type'], { name, type: expected }));

export const string: Parameter<string> = parameter((name, value) => {
  if (typeof value !== 'string') throw wrongType(name, 'string');
  return value;
});

export const boolean: Parameter<boolean> = parameter((name, value) => {
  if (typeof value !== 'boolean') throw wrongType(name, 'boolean');
  return value;
});

/** Signed, 64 bits. */
export const integer: Parameter<bigint> = parameter((name, value) => {
  if (typeof value !== 'bigint' || value >= 1n << 63n) throw wrongType(name, 'integer');
  return value;
});

/** Unsigned, 64 bits. A negative number counts from the end, as QEMU takes it. */
export const uint64: Parameter<bigint> = parameter((name, value) => {
  if (typeof value !== 'bigint')
    throw new QmpError(fillForm(QMP_MESSAGES['expects other'], { name, expected: 'uint64' }));
  return BigInt.asUintN(64, value);
});

/** Unsigned, 32 bits; read as 64 first. */
export const uint32: Parameter<number> = parameter((name, value) => {
  const number = uint64.kind(name, value);
  if (number >= 1n << 32n)
    throw new QmpError(fillForm(QMP_MESSAGES['expects other'], { name, expected: 'uint32_t' }));
  return Number(number);
});

/** One of these words. */
export const wordOf = (words: readonly string[]): Parameter<string> =>
  parameter((name, value) => {
    const word = string.kind(name, value);
    if (!words.includes(word))
      throw new QmpError(fillForm(QMP_MESSAGES['wrong value'], { name, value: word }));
    return word;
  });

/** Anything; what it is for says what is right. */
export const any: Parameter<JsonValue> = parameter((_, value) => value);

/** A list of words out of those. QEMU 7.2 forgets the name of a word's place in its message. */
export const wordsOf = (words: readonly string[]): Parameter<readonly string[]> =>
  parameter((name, value) => {
    if (!Array.isArray(value)) throw wrongType(name, 'array');
    return value.map((word: JsonValue, i) => {
      if (typeof word !== 'string') throw wrongType(`${name}[${i}]`, 'string');
      if (!words.includes(word))
        throw new QmpError(fillForm(QMP_MESSAGES['wrong value'], { name: 'null', value: word }));
      return word;
    });
  });

/** Takes a command's arguments. Throws QmpError for the first one that is not as it should be. */
export function takeArguments<P extends Parameters>(parameters: P, given: JsonObject): ArgumentsOf<P> {
  const taken = takeKnown(parameters, given);
  const names = inDictionaryOrder([...given]).map(([name]) => name);
  const unexpected = inHashTableOrder(names).find((name) => !Object.hasOwn(parameters, name));
  if (unexpected !== undefined) throw new QmpError(fillForm(QMP_MESSAGES.unexpected, { name: unexpected }));
  return taken;
}

/** The same, whatever else there is. Throws QmpError. */
export function takeKnown<P extends Parameters>(parameters: P, given: JsonObject): ArgumentsOf<P> {
  const taken: Record<string, unknown> = {};
  for (const [name, { kind, required }] of Object.entries(parameters)) {
    const value = given.get(name);
    if (value !== undefined) taken[name] = kind(name, value);
    else if (required) throw new QmpError(fillForm(QMP_MESSAGES.missing, { name }));
  }
  return taken as ArgumentsOf<P>; // each was made by the kind of its name
}
