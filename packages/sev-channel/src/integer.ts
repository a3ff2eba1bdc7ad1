import { u32le, viewOf } from '@sevlab/codec/layout';

/** Numbers as bytes. BigInt arithmetic takes a time that depends on the values: this is for an emulator only. */

/** The value of big-endian bytes; 0 for none. */
export function fromBigEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

/** `length` big-endian bytes. Throws RangeError when the value is negative or does not fit. */
export function toBigEndian(value: bigint, length: number): Uint8Array {
  if (value < 0n || value >= 1n << BigInt(8 * length)) {
    throw new RangeError(`expected an integer of at most ${length} bytes, got ${value}`);
  }
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'));
}

/** Four bytes. Throws RangeError for anything but an integer from 0 to 2^32-1. */
export function littleEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  u32le.write(viewOf(bytes), 0, value);
  return bytes;
}
