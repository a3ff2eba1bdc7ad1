/** The command line is not one that QEMU would take; the words behind the program's name. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
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

/** The members of an object in JSON, where an option is given so. Throws UsageError. */
export function parseJsonOption(option: string, text: string): OptionValues {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null)
      return new Map(Object.entries(value).map(([key, each]) => [key, inWords(each)]));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new UsageError(`${option} ${text}: JSON parse error, expecting value`);
}

const inWords = (value: unknown): string => (value === true ? 'on' : value === false ? 'off' : String(value));

/** Bytes: a number with K, M, G or T behind it, otherwise in units of `unit` bytes. Throws UsageError. */
export function parseSize(option: string, text: string, unit: bigint): bigint {
  const [, digits, letter = ''] = /^(\d+)([bkmgt]?)$/i.exec(text) ?? [];
  if (digits === undefined)
    throw new UsageError(`${option}: Parameter 'size' expects a non-negative number below 2^64`);
  const factor = letter === '' ? unit : 1024n ** BigInt('bkmgt'.indexOf(letter.toLowerCase()));
  return BigInt(digits) * factor;
}

/** A switch. Throws UsageError. */
export function parseSwitch(name: string, text: string): boolean {
  if (['on', 'yes', 'true', 'y'].includes(text)) return true;
  if (['off', 'no', 'false', 'n'].includes(text)) return false;
  throw new UsageError(`Parameter '${name}' expects 'on' or 'off'`);
}

/** A whole number, decimal or 0x…. Throws UsageError. */
export function parseNumber(name: string, text: string): number {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UsageError(`Parameter '${name}' expects a number`);
  return value;
}
