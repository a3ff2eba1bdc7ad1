import { existsSync, readFileSync } from 'node:fs';
import { fromBase64, fromHex } from '@sevlab/codec/bytes';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';

/** Reads a file; `-` is standard input. Throws CommandError when it is missing or unreadable. */
export function readFile(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === '-' ? 0 : path));
  } catch (error) {
    throw new CommandError(EXIT.usage, `${path}: ${systemReason(error)}; expected a file that can be read`);
  }
}

/**
 * Bytes given on the command line. Of a known size: a file of exactly that many bytes is raw, otherwise its text is
 * base64 or hexadecimal of that many bytes. Of an unknown size: raw, unless the file's name ends in `.b64` or `.hex`.
 * `base64:…` and `hex:…` give the bytes themselves. Throws CommandError.
 */
export function readBytes(source: string, size?: number): Uint8Array {
  const given = literal(source, size);
  if (given !== undefined) return given;
  const raw = readFile(source);
  if (size === undefined) {
    if (source.endsWith('.b64')) return decode(source, 'base64', text(raw));
    return source.endsWith('.hex') ? decode(source, 'hex', text(raw)) : raw;
  }
  if (raw.length === size) return raw;
  for (const read of [fromBase64, fromHex]) {
    const bytes = tryDecode(read, text(raw));
    if (bytes?.length === size) return bytes;
  }
  throw new CommandError(
    EXIT.usage,
    `${source}: expected ${size} bytes raw, in base64 or in hexadecimal, got ${raw.length} bytes that are none of these${unpaddedText(text(raw))}`,
  );
}

/**
 * As readBytes, of an unknown size; but a file of 16 or more characters of base64 is that, whatever it is called, since
 * no ciphertext is all letters: virt-qemu-sev-validate writes packets so. Throws CommandError.
 */
export function readCiphertext(source: string): Uint8Array {
  const bytes = readBytes(source);
  return (bytes.length < 16 ? undefined : tryDecode(fromBase64, text(bytes))) ?? bytes;
}

/** `base64:…`, `hex:…`, or a file as it is, whatever it is called. Throws CommandError. */
export const readAsItIs = (source: string): Uint8Array => literal(source, undefined) ?? readFile(source);

/**
 * Bytes that tools also take in the command line itself, in base64 or hexadecimal: those, or as readBytes. The bytes
 * of a text may turn out to have another size than `size`: see readSized. Throws CommandError.
 */
export function readGiven(option: string, source: string, size: number): Uint8Array {
  if (source === '-' || /^(base64|hex):/.test(source) || existsSync(source)) return readBytes(source, size);
  const decoded = [fromBase64, fromHex].map((read) => tryDecode(read, source));
  const bytes = decoded.find((each) => each?.length === size) ?? decoded.find((each) => each !== undefined);
  if (bytes !== undefined) return bytes;
  throw new CommandError(
    EXIT.usage,
    isUnpadded(source) && source.length >= size
      ? `${option}: expected a file that is there, or ${size} bytes in base64 or in hexadecimal${unpaddedText(source)}`
      : `${option} ${source}: no such file; expected one, or ${size} bytes in base64 or in hexadecimal`,
  );
}

/** As readGiven, of that size. No message repeats the bytes. Throws CommandError. */
export function readSized(option: string, source: string, size: number): Uint8Array {
  const bytes = readGiven(option, source, size);
  if (bytes.length === size) return bytes;
  throw new CommandError(
    EXIT.usage,
    `${option}: expected a file that is there, or ${size} bytes in base64 or in hexadecimal, got ${bytes.length} bytes`,
  );
}

/** Whether a text would be base64, had it the padding at its end. */
const isUnpadded = (content: string): boolean => {
  const compact = content.trimEnd();
  return (
    compact.length % 4 !== 0 &&
    tryDecode(fromBase64, `${compact}${'='.repeat(4 - (compact.length % 4))}`) !== undefined
  );
};

const unpaddedText = (content: string): string =>
  isUnpadded(content)
    ? '; it is base64 without the padding at its end, of which QEMU would drop the last bytes'
    : '';

/** Decimal or 0x…, from 0 to `max`. Throws CommandError. */
export function readNumber(option: string, text: string, max: number): number {
  const number = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (number <= max) return number;
  throw new CommandError(EXIT.usage, `${option} ${text}: expected a number from 0 to ${max}, decimal or 0x…`);
}

/** Bytes that stand in the command line itself; a message names only how they are written, since they may be a key. */
function literal(source: string, size: number | undefined): Uint8Array | undefined {
  const [scheme, ...rest] = source.split(':');
  if (rest.length === 0 || (scheme !== 'base64' && scheme !== 'hex')) return undefined;
  const bytes = decode(`${scheme}:…`, scheme, rest.join(':'));
  if (size === undefined || bytes.length === size) return bytes;
  throw new CommandError(EXIT.usage, `${scheme}:…: expected ${size} bytes, got ${bytes.length}`);
}

function decode(source: string, encoding: 'base64' | 'hex', content: string): Uint8Array {
  try {
    return encoding === 'hex' ? fromHex(content) : fromBase64(content);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new CommandError(
        EXIT.usage,
        `${source}: ${error.message}${encoding === 'hex' ? '' : unpaddedText(content)}`,
      );
    throw error;
  }
}

function tryDecode(read: (text: string) => Uint8Array, content: string): Uint8Array | undefined {
  try {
    return read(content);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
