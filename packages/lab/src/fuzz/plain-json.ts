import { toHex } from '@sevlab/codec/bytes';

/** Plain data as JSON, bytes as `{"hex": …}`, large integers as `{"integer": …}`. */
export const plainJson = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Uint8Array) return { hex: toHex(each) };
    return typeof each === 'bigint' ? { integer: `${each}` } : each;
  }) ?? 'null';
