import { utf8 } from '@sevlab/codec/bytes';

/**
 * How coreutils 9.1 show names in the C locale, so that they can be pasted into a shell: bare where that is safe,
 * else between apostrophes, between quotation marks when an apostrophe is the only trouble, and with `$'\ooo'` for
 * bytes that do not print. DEVIATION: for a name with both an apostrophe and such bytes, coreutils write pairs of
 * apostrophes more.
 */
export function quoteIfNeeded(name: string): string {
  return isSafe(name) ? name : quote(name);
}

/** As quoteIfNeeded(), and a name with a colon is quoted: in front of a message's own colon. */
export const quoteBeforeColon = (name: string): string =>
  name.includes(':') ? quote(name) : quoteIfNeeded(name);

const isSafe = (name: string): boolean =>
  name !== '' && !/^[#~]|^[{}]$|[^\x21-\x7e]|[!"$&'()*;<=>?[\\^`|]/.test(name);

const SHORT: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

/** Characters beside which an apostrophe may stand between quotation marks. */
const BETWEEN_QUOTATION_MARKS = /^(?:[ '%+,\-./0-9:@A-Z\]_a-z]|^[#~])*$/;

/** Always quoted. */
export function quote(name: string): string {
  if (name.includes("'") && BETWEEN_QUOTATION_MARKS.test(name)) return `"${name}"`;
  let text = "'";
  let escaping = false;
  for (const byte of utf8(name)) {
    const printable = byte >= 0x20 && byte < 0x7f;
    if (printable && escaping && byte !== 0x27) text += "''";
    if (!printable && !escaping) text += "'$'";
    escaping = !printable;
    if (!printable) text += SHORT[byte] ?? `\\${byte.toString(8).padStart(3, '0')}`;
    else text += byte === 0x27 ? "'\\''" : String.fromCharCode(byte);
  }
  return `${text}'`;
}
