import { toBase64, toHex } from '@sevlab/codec/bytes';

/** What the bytes at a place are, read as an integer. */
export interface Reading {
  readonly type: string;
  readonly little: string;
  readonly big: string;
}

/** The bytes from `offset` on as integers of 8 to 64 bits, as far as there are enough bytes. */
export function readingsAt(bytes: Uint8Array, offset: number): Reading[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const left = bytes.length - offset;
  const readings: Reading[] = [];
  const add = (type: string, little: bigint | number, big: bigint | number) =>
    readings.push({ type, little: both(little), big: both(big) });
  if (left >= 1) add('u8', view.getUint8(offset), view.getUint8(offset));
  if (left >= 2) add('u16', view.getUint16(offset, true), view.getUint16(offset));
  if (left >= 4) add('u32', view.getUint32(offset, true), view.getUint32(offset));
  if (left >= 8) add('u64', view.getBigUint64(offset, true), view.getBigUint64(offset));
  return readings;
}

const both = (value: bigint | number): string => `0x${value.toString(16)} (${value})`;

/** Forms in which bytes are copied. */
export const COPY_FORMS: readonly { readonly name: string; readonly write: (bytes: Uint8Array) => string }[] =
  [
    { name: 'hex', write: toHex },
    { name: 'base64', write: toBase64 },
    { name: 'C array', write: cArray },
  ];

/** `static const unsigned char bytes[4] = {…};`, 12 to a line. */
function cArray(bytes: Uint8Array): string {
  const words = Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, '0')},`);
  const lines: string[] = [];
  for (let i = 0; i < words.length; i += 12) lines.push(`  ${words.slice(i, i + 12).join(' ')}`);
  return `static const unsigned char bytes[${bytes.length}] = {\n${lines.join('\n')}\n};\n`;
}
