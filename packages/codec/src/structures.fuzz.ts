import fc from 'fast-check';
import * as P from 'micro-packed';
import { expect, test } from 'vitest';
import { exactly, hostileBytes, validBytes } from '../../testing/src/arbitraries.ts';
import { concat, toHex } from './bytes.ts';
import { LengthError, type Struct } from './layout.ts';
import { STRUCTURES } from './structures.ts';

const isReserved = (type: string): boolean => type.startsWith('reserved(');

function withZeroReserved(struct: Struct<unknown>, bytes: Uint8Array): Uint8Array {
  const cleared = bytes.slice();
  for (const { type, offset, size } of struct.rows)
    if (isReserved(type)) cleared.fill(0, offset, offset + size);
  return cleared;
}

const ORACLE_INTEGERS = {
  u8: P.U8,
  u16le: P.U16LE,
  u32le: P.U32LE,
  u64le: P.U64LE,
  gpa: P.U64LE,
  spa: P.U64LE,
};

/** The same structure in a library that shares no code with ours; texts and GUIDs as their bytes. */
const oracleStruct = (struct: Struct<unknown>): P.CoderType<Record<string, unknown>> =>
  P.struct(Object.fromEntries(struct.rows.map(({ name, type, size }) => [name, oracleField(type, size)])));

/** The structure that a field of this type is. */
const innerOf = (type: string): Struct<unknown> | undefined =>
  Object.values(STRUCTURES).find(({ name }) => name === type);

function oracleField(type: string, size: number): P.CoderType<unknown> {
  const inner = innerOf(type);
  if (inner !== undefined) return oracleStruct(inner) as P.CoderType<unknown>; // as below
  const integer = Object.entries(ORACLE_INTEGERS).find(([name]) => name === type)?.[1];
  return (integer ?? P.bytes(size)) as P.CoderType<unknown>; // it is given only what a field of its type holds
}

/** Our value in the oracle's form. Written out here, so that a mistake in guid.ts is not repeated. */
function oracleValue(type: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (type !== 'guid') return Uint8Array.from(value, (character) => character.charCodeAt(0));
  const groups = value.split('-').map((group) => group.match(/../g) ?? []);
  return Uint8Array.from(
    groups.flatMap((group, i) => (i < 3 ? group.toReversed() : group)),
    (pair) => Number.parseInt(pair, 16),
  );
}

/** What our decoder makes of `bytes`, in the oracle's form. */
const oracleFields = (struct: Struct<unknown>, bytes: Uint8Array): Record<string, unknown> =>
  Object.fromEntries(
    struct.annotate(bytes).map(({ name, type, size, bytes: part, value }) => {
      const inner = innerOf(type);
      if (inner !== undefined) return [name, oracleFields(inner, part)];
      return [name, isReserved(type) ? new Uint8Array(size) : oracleValue(type, value)];
    }),
  );

test.each(Object.entries(STRUCTURES))('%s: what is decoded is encoded again', (name, struct) => {
  fc.assert(
    fc.property(fc.oneof(exactly(struct.size), validBytes(name)), (bytes) => {
      expect(toHex(struct.encode(struct.decode(bytes)))).toBe(toHex(withZeroReserved(struct, bytes)));
    }),
  );
});

test.each(Object.entries(STRUCTURES))('%s: decode refuses any other length', (_, struct) => {
  const lengths = fc.nat({ max: struct.size + 64 }).filter((length) => length !== struct.size);
  fc.assert(
    fc.property(lengths, (length) => {
      expect(() => struct.decode(new Uint8Array(length))).toThrow(LengthError);
    }),
  );
});

test.each(Object.entries(STRUCTURES))('%s: annotate covers the bytes, cut off or not', (name, struct) => {
  fc.assert(
    fc.property(hostileBytes(name), (bytes) => {
      const fields = struct.annotate(bytes);
      expect(toHex(concat(...fields.map((field) => field.bytes)))).toBe(
        toHex(bytes.subarray(0, struct.size)),
      );
      for (const { type, offset, size, ...field } of fields) {
        const whole = offset + size <= bytes.length;
        expect('value' in field).toBe(whole && !isReserved(type));
      }
    }),
  );
});

test.each(Object.entries(STRUCTURES))('%s: micro-packed reads and writes the same', (_, struct) => {
  const oracle = oracleStruct(struct);
  fc.assert(
    fc.property(exactly(struct.size), (input) => {
      const bytes = withZeroReserved(struct, input);
      const fields = oracleFields(struct, bytes);
      expect(fields).toEqual(oracle.decode(bytes));
      expect(toHex(struct.encode(struct.decode(bytes)))).toBe(toHex(oracle.encode(fields)));
    }),
  );
});
