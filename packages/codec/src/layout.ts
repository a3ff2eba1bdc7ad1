/** A byte layout declared once: the TypeScript type, encode, decode and the annotated dump all come from it. */

/** Bytes of the wrong length were given to a structure of fixed size. */
export class LengthError extends Error {
  readonly expected: number;
  readonly actual: number;

  constructor(what: string, expected: number, actual: number) {
    super(`${what}: expected ${expected} bytes, got ${actual}`);
    this.name = 'LengthError';
    this.expected = expected;
    this.actual = actual;
  }
}

/** How one field lies in memory. `T` is what the field is in TypeScript. */
export interface FieldType<T> {
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes; what a C compiler would align the field to. */
  readonly alignment: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

/** Bytes that carry nothing: decode skips them, encode writes zero, annotate shows them. */
export interface Reserved extends FieldType<undefined> {
  readonly reserved: true;
}

/** A field in its structure: `offset` in bytes, `doc` a sentence on its meaning. */
export interface PlacedField<T> {
  readonly offset: number;
  readonly field: FieldType<T>;
  readonly doc: string;
}

/** One field of an annotated dump; `offset` and `size` in bytes. `value` is absent where the input ends before the field does. */
export interface Annotation {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
  readonly doc: string;
  readonly bytes: Uint8Array;
  readonly value?: unknown;
}

type Fields = Record<string, PlacedField<unknown>>;

type ReservedNames<F extends Fields> = {
  [K in keyof F]: F[K]['field'] extends Reserved ? K : never;
}[keyof F];

type StructValue<F extends Fields> = {
  [K in Exclude<keyof F, ReservedNames<F>>]: F[K] extends PlacedField<infer T> ? T : never;
};

/** A declared structure of fixed size. */
export interface Struct<T> {
  readonly name: string;
  /** Document and title of the clause that defines the layout. */
  readonly spec: string;
  /** Bytes, as the specification counts them. */
  readonly size: number;
  /** Bytes, as a C compiler would count them: `size` with tail padding. */
  readonly paddedSize: number;
  readonly rows: readonly { name: string; offset: number; size: number; type: string; doc: string }[];
  /** Returns `size` new bytes. Throws RangeError when an integer does not fit and LengthError for byte fields. */
  encode(value: T): Uint8Array;
  /** Writes the value over the start of `target`, leaving reserved bytes as they are. Errors as encode. */
  encodeInto(target: Uint8Array, value: T): void;
  /** Reads exactly `size` bytes; any other length is a LengthError. */
  decode(bytes: Uint8Array): T;
  /**
   * Reads `size` bytes at `offset` (bytes) of a larger buffer. Throws LengthError when they are not all there, and
   * RangeError for a negative offset.
   */
  decodeAt(bytes: Uint8Array, offset: number): T;
  /** Splits the bytes into fields; accepts input that is too short or too long. */
  annotate(bytes: Uint8Array): Annotation[];
}

/** What a structure is in TypeScript: its fields by name, without the reserved ones. */
export type ValueOf<S> = S extends Struct<infer T> ? T : never;

/** Puts a field at `offset` (bytes from the start of its structure), with a sentence on what it means. */
export function at<F extends FieldType<unknown>>(
  offset: number,
  field: F,
  doc: string,
): { offset: number; field: F; doc: string } {
  return { offset, field, doc };
}

/**
 * Declares a structure of fixed size. The offsets are written as the specification prints them and are
 * checked against the running sum here, when the module loads.
 */
export function struct<const F extends Fields>(
  name: string,
  spec: string,
  fields: F,
): Struct<StructValue<F>> {
  const entries = Object.entries(fields).map(([field, placed]) => ({ name: field, ...placed }));
  let size = 0;
  let alignment = 1;
  for (const { name: fieldName, offset, field } of entries) {
    if (offset !== size) {
      throw new Error(
        `${name}.${fieldName} declared at 0x${offset.toString(16)}, expected 0x${size.toString(16)}`,
      );
    }
    size += field.size;
    alignment = Math.max(alignment, field.alignment);
  }
  const live = entries.filter(({ field }) => !isReserved(field));

  const decodeView = (view: DataView, base: number): StructValue<F> => {
    const value: Record<string, unknown> = {};
    for (const { name: fieldName, offset, field } of live) value[fieldName] = field.read(view, base + offset);
    return value as StructValue<F>; // the fields were just filled in from the same table that makes the type
  };

  const encodeInto = (target: Uint8Array, value: StructValue<F>): void => {
    const view = viewOf(target);
    const record: Record<string, unknown> = value;
    for (const { name: fieldName, offset, field } of live) {
      try {
        field.write(view, offset, record[fieldName]);
      } catch (error) {
        if (error instanceof RangeError) throw new RangeError(`${name}.${fieldName}: ${error.message}`);
        if (error instanceof LengthError) {
          throw new LengthError(`${name}.${fieldName}`, error.expected, error.actual);
        }
        throw error;
      }
    }
  };

  return {
    name,
    spec,
    size,
    paddedSize: Math.ceil(size / alignment) * alignment,
    rows: entries.map(({ name: fieldName, offset, field, doc }) => ({
      name: fieldName,
      offset,
      size: field.size,
      type: field.type,
      doc,
    })),
    encode(value) {
      const encoded = new Uint8Array(size);
      encodeInto(encoded, value);
      return encoded;
    },
    encodeInto,
    decode(bytes) {
      if (bytes.length !== size) throw new LengthError(name, size, bytes.length);
      return decodeView(viewOf(bytes), 0);
    },
    decodeAt(bytes, offset) {
      if (offset < 0) throw new RangeError(`${name}: expected an offset from 0, got ${offset}`);
      if (offset + size > bytes.length) throw new LengthError(name, size, bytes.length - offset);
      return decodeView(viewOf(bytes), offset);
    },
    annotate(bytes) {
      const view = viewOf(bytes);
      return entries.map(({ name: fieldName, offset, field, doc }) => {
        const annotation = {
          name: fieldName,
          type: field.type,
          offset,
          size: field.size,
          doc,
          bytes: bytes.subarray(offset, offset + field.size),
        };
        const whole = offset + field.size <= bytes.length;
        return whole && !isReserved(field) ? { ...annotation, value: field.read(view, offset) } : annotation;
      });
    },
  };
}

const isReserved = (field: object): boolean => 'reserved' in field;

/** A DataView over exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function integer(type: string, size: 1 | 2 | 4): FieldType<number> {
  const max = 2 ** (8 * size) - 1;
  return {
    type,
    size,
    alignment: size,
    read: (view, offset) =>
      size === 1
        ? view.getUint8(offset)
        : size === 2
          ? view.getUint16(offset, true)
          : view.getUint32(offset, true),
    write: (view, offset, value) => {
      if (!Number.isInteger(value) || value < 0 || value > max) {
        throw new RangeError(`expected an integer from 0 to ${max}, got ${value}`);
      }
      if (size === 1) view.setUint8(offset, value);
      else if (size === 2) view.setUint16(offset, value, true);
      else view.setUint32(offset, value, true);
    },
  };
}

/** Integers, little endian. Writing throws RangeError for what does not fit. */
export const u8: FieldType<number> = integer('u8', 1);
export const u16le: FieldType<number> = integer('u16le', 2);
export const u32le: FieldType<number> = integer('u32le', 4);

/** 64 bits, little endian, as a bigint. Writing throws RangeError for what does not fit. */
export const u64le: FieldType<bigint> = {
  type: 'u64le',
  size: 8,
  alignment: 8,
  read: (view, offset) => view.getBigUint64(offset, true),
  write: (view, offset, value) => {
    if (value < 0n || value >= 1n << 64n) {
      throw new RangeError(`expected an integer from 0 to 2^64-1, got ${value}`);
    }
    view.setBigUint64(offset, value, true);
  },
};

/** `size` bytes as they are. Decoding copies them; writing any other number of bytes is a LengthError. */
export function bytes(size: number): FieldType<Uint8Array> {
  return {
    type: `bytes(${size})`,
    size,
    alignment: 1,
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, size).slice(),
    write: (view, offset, value) => {
      if (value.length !== size) throw new LengthError('bytes', size, value.length);
      new Uint8Array(view.buffer, view.byteOffset + offset, size).set(value);
    },
  };
}

/**
 * `size` bytes of ASCII text, for signatures such as "IBI SYST". Other bytes are read as Latin-1, so that any bytes
 * round-trip; writing throws LengthError for another length and RangeError for a character above U+00FF.
 */
export function ascii(size: number): FieldType<string> {
  return {
    type: `ascii(${size})`,
    size,
    alignment: 1,
    read: (view, offset) =>
      String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + offset, size)),
    write: (view, offset, value) => {
      if (value.length !== size) throw new LengthError('ascii', size, value.length);
      if ([...value].some((character) => character > '\u00ff')) {
        throw new RangeError(`expected characters up to U+00FF, got "${value}"`);
      }
      for (let i = 0; i < size; i++) view.setUint8(offset + i, value.charCodeAt(i));
    },
  };
}

/** `size` bytes that carry nothing, whatever is in them. */
export function reserved(size: number): Reserved {
  return {
    type: `reserved(${size})`,
    size,
    alignment: 1,
    reserved: true,
    read: () => undefined,
    write: () => {},
  };
}

/** The same bytes under a narrower TypeScript type, such as an address. */
export function as<T, N extends T>(field: FieldType<T>, type: string, narrow: (value: T) => N): FieldType<N> {
  return {
    type,
    size: field.size,
    alignment: field.alignment,
    read: (view, offset) => narrow(field.read(view, offset)),
    write: (view, offset, value) => field.write(view, offset, value),
  };
}

/** A structure used as a field of another, without padding around it. */
export function nested<T>(inner: Struct<T>): FieldType<T> {
  return {
    type: inner.name,
    size: inner.size,
    alignment: 1,
    read: (view, offset) => inner.decode(new Uint8Array(view.buffer, view.byteOffset + offset, inner.size)),
    write: (view, offset, value) =>
      new Uint8Array(view.buffer, view.byteOffset + offset, inner.size).set(inner.encode(value)),
  };
}
