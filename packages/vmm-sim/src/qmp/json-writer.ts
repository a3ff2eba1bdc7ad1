import { cStringBytes } from './json-text.ts';
import type { Reply } from './json-value.ts';

/** A value as QEMU writes it: blanks behind `:` and `,`, and members in the order of its dictionaries (qobject/qjson.c). */
export function writeJson(value: Reply): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return formatDouble(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(', ')}]`;
  const members = value instanceof Map ? [...value] : Object.entries(value);
  return `{${inDictionaryOrder(members)
    .map(([name, member]) => `${quoted(name)}: ${writeJson(member)}`)
    .join(', ')}}`;
}

const BUCKETS = 512;

/**
 * The order in which a dictionary gives its members: by bucket, and in a bucket the last one first (qobject/qdict.c;
 * found to hold for every recorded answer of QEMU 7.2).
 */
export function inDictionaryOrder<T>(
  members: readonly (readonly [string, T])[],
): readonly (readonly [string, T])[] {
  return members
    .map((member, index) => ({ member, index, bucket: bucketOf(member[0]) }))
    .sort((a, b) => a.bucket - b.bucket || b.index - a.index)
    .map(({ member }) => member);
}

function bucketOf(name: string): number {
  const bytes = cStringBytes(name);
  let hash = Math.imul(0x238f_13af, bytes.length);
  for (const [i, byte] of bytes.entries()) hash = (hash + (byte << ((5 * i) % 24))) | 0;
  return ((Math.imul(1_103_515_243, hash) + 12_345) >>> 0) % BUCKETS;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' },
};

/** Only printable ASCII stays as it is; other characters become UTF-16 units in upper-case hexadecimal digits. */
const quoted = (text: string): string =>
  `"${text.replace(
    /["\\]|[^\x20-\x7e]/g, // no flag u: one half of a surrogate pair at a time
    (unit) => SHORT_ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )}"`;

/** As `%.17g` of printf(3). */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits = '', power = ''] = seventeenDigits(value).split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 17) return trimZeros(withPointAt(exponent, digits));
  const sign = exponent < 0 ? '-' : '+';
  return `${trimZeros(digits)}e${sign}${`${Math.abs(exponent)}`.padStart(2, '0')}`;
}

/** JavaScript rounds a tie up, the C library to the even digit. */
function seventeenDigits(value: number): string {
  const [exact = '', power = ''] = value.toExponential(100).split('e');
  const end = exact.indexOf('.') + 17;
  const isTie = /^50*$/.test(exact.slice(end));
  return isTie && '02468'.includes(exact[end - 1]!)
    ? `${exact.slice(0, end)}e${power}`
    : value.toExponential(16);
}

/** `d.ddd` times ten to this power, written out. */
function withPointAt(exponent: number, digits: string): string {
  const [, sign = '', all = ''] = /^(-?)(.*)$/.exec(digits.replace('.', '')) ?? [];
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${all}`;
  return `${sign}${all.slice(0, exponent + 1)}.${all.slice(exponent + 1)}`;
}

const trimZeros = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0*$/, '') : digits);
