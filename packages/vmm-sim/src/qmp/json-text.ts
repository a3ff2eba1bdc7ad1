import { concat, utf8 } from '@sevlab/codec/bytes';

/** Reads one character of modified UTF-8: its code point, undefined for bytes that are none, and how many bytes it has. */
function decodeAt(
  bytes: Uint8Array,
  at: number,
): { readonly code: number | undefined; readonly length: number } {
  const lead = bytes[at]!; // the caller stays within the bytes
  if (lead < 0x80) return { code: lead, length: 1 };
  if (lead < 0xc0 || lead >= 0xfe) return { code: undefined, length: 1 };
  const more = Math.clz32(~(lead << 24)) - 1;
  let code = lead & (0x3f >> more);
  for (let i = 1; i <= more; i++) {
    const next = bytes[at + i];
    if (next === undefined || (next & 0xc0) !== 0x80) return { code: undefined, length: i };
    code = ((code << 6) | (next & 0x3f)) >>> 0;
  }
  const good = isCharacter(code) && (code >= SHORTEST[more]! || (code === 0 && more === 1));
  return { code: good ? code : undefined, length: more + 1 };
}

/** The least code point that takes so many bytes behind the first one; more than three are never right. */
const SHORTEST: readonly number[] = [0, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];

/** Whether a code point is one, no surrogate, and no noncharacter (QEMU, util/unicode.c: mod_utf8_codepoint). */
export const isCharacter = (code: number): boolean =>
  code <= 0x10_ffff &&
  (code < 0xd800 || code > 0xdfff) &&
  (code < 0xfdd0 || code > 0xfdef) &&
  (code & 0xfffe) !== 0xfffe;

/** The text that modified UTF-8 stands for; undefined when it is damaged. NUL may have two bytes. */
export function decodeText(bytes: Uint8Array): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const { code, length } = decodeAt(bytes, at);
    if (code === undefined) return undefined;
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}

/** The same, with U+FFFD for whatever is damaged. */
export function decodeDamagedText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const { code = 0xfffd, length } = decodeAt(bytes, at);
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}

/** The bytes of a text as QEMU holds it, in modified UTF-8: NUL has two. */
export const cStringBytes = (text: string): Uint8Array =>
  text.includes('\0')
    ? concat(...text.split(/(\0)/).map((part) => (part === '\0' ? Uint8Array.of(0xc0, 0x80) : utf8(part))))
    : utf8(text);
