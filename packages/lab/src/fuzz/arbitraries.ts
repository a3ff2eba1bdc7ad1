import { concat } from '@sevlab/codec/bytes';
import { encodeSecretTable, type Secret } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID, GUID_NAMES, guidFromBytes, NULL_GUID } from '@sevlab/codec/guid';
import type { Struct } from '@sevlab/codec/layout';
import { KEY_ALGO, KEY_USAGE } from '@sevlab/codec/sev/certificate';
import { STRUCTURES } from '@sevlab/codec/structures';
import fc, { type Arbitrary } from 'fast-check';

/** Exactly so many bytes: random ones, or one byte throughout. */
export const exactly = (length: number): Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.uint8Array({ minLength: length, maxLength: length }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 0xff).map((byte) => new Uint8Array(length).fill(byte)) },
  );

/** Numbers of so many bits, often one where something tips: 0, 1, powers of two and their neighbours, all ones. */
export function edgy(bits: number): Arbitrary<bigint> {
  const max = (1n << BigInt(bits)) - 1n;
  const edges = fc
    .tuple(fc.nat(bits), fc.constantFrom(-1n, 0n, 1n))
    .map(([bit, by]) => (1n << BigInt(bit)) + by);
  return fc.oneof(
    fc.bigInt({ min: 0n, max }),
    fc.constantFrom(0n, max),
    edges.filter((edge) => edge <= max),
  );
}

/** GUIDs that mean something, and any others. */
export const guids: Arbitrary<ReturnType<typeof guidFromBytes>> = fc.oneof(
  fc.constantFrom(...GUID_NAMES.keys()),
  exactly(16).map(guidFromBytes),
);

const BITS: Readonly<Record<string, number>> = { u8: 8, u16le: 16, u32le: 32, u64le: 64, gpa: 64, spa: 64 };
const BIG: ReadonlySet<string> = new Set(['u64le', 'gpa', 'spa']);

/** What a field of this type can hold. */
function fieldValues(type: string, size: number): Arbitrary<unknown> {
  const bits = BITS[type];
  if (bits !== undefined) return BIG.has(type) ? edgy(bits) : edgy(bits).map(Number);
  if (type === 'guid') return guids;
  if (type.startsWith('ascii(')) return exactly(size).map((bytes) => String.fromCharCode(...bytes));
  if (type.startsWith('bytes(')) return exactly(size);
  const inner = Object.values(STRUCTURES).find(({ name }) => name === type);
  if (inner === undefined) throw new RangeError(`expected a type of a field, got ${type}`);
  return values(inner);
}

/** Values of a structure, from its declaration: each field holds what its type allows, edges often. */
export const values = <T>(struct: Struct<T>): Arbitrary<T> =>
  fc.record(
    Object.fromEntries(
      struct.rows
        .filter(({ type }) => !type.startsWith('reserved('))
        .map(({ name, type, size }) => [name, fieldValues(type, size)]),
    ),
  ) as Arbitrary<T>; // the declaration that makes the type made the fields

const oneOf = (numbers: Readonly<Record<string, number>>) => fc.constantFrom(...Object.values(numbers));
const certificate = {
  version: fc.constant(1),
  ...{ pubkeyUsage: oneOf(KEY_USAGE), sig1Usage: oneOf(KEY_USAGE), sig2Usage: oneOf(KEY_USAGE) },
  ...{ pubkeyAlgo: oneOf(KEY_ALGO), sig1Algo: oneOf(KEY_ALGO), sig2Algo: oneOf(KEY_ALGO) },
};

/** What a declaration does not say: fields that only some values make sense in. */
const SENSIBLE: Readonly<Record<string, Readonly<Record<string, Arbitrary<unknown>>>>> = {
  certificate,
  'packet-header': { flags: fc.constant(0) },
  'launch-secret': {
    hdrLen: fc.constant(0x34),
    guestPaddr: edgy(40).map((address) => address & ~0xfn),
  },
  'secret-header': {
    guid: fc.constant(EFI_SECRET_TABLE_HEADER_GUID),
    len: fc.integer({ min: 20, max: 0xc00 }),
  },
  'secret-entry': {
    guid: guids.filter((guid) => guid !== NULL_GUID),
    len: fc.integer({ min: 20, max: 0xbec }),
  },
  'secret-location': { size: fc.bigInt({ min: 20n, max: 0xc00n }) },
  rsdp: { signature: fc.constant('RSD PTR '), revision: fc.constant(2), length: fc.constant(36) },
};

/** The structure of that name, as `sevlab annotate` knows it. Throws RangeError. */
function structureOf(name: string): Struct<unknown> {
  const struct = Object.hasOwn(STRUCTURES, name) ? STRUCTURES[name] : undefined;
  if (struct === undefined)
    throw new RangeError(`expected one of ${Object.keys(STRUCTURES).join(', ')}, got ${name}`);
  return struct;
}

/** Bytes of a structure that its reader takes, and in which known fields make sense. Throws RangeError for an unknown name. */
export function validBytes(name: string): Arbitrary<Uint8Array> {
  const struct = structureOf(name);
  return fc
    .tuple(values(struct), fc.record({ ...SENSIBLE[name] }))
    .map(([value, sensible]) => struct.encode({ ...(value as object), ...sensible }));
}

/** Bytes with one thing wrong: a bit, a byte, or a field at an edge; some missing at the end, or too many. */
export const nearly = (good: Uint8Array): Arbitrary<Uint8Array> =>
  fc.oneof(
    ...(good.length === 0
      ? []
      : [changed(good), fc.nat(good.length - 1).map((length) => good.slice(0, length))]),
    fc.uint8Array({ minLength: 1, maxLength: 64 }).map((more) => concat(good, more)),
  );

/** The same length, with one to eight bytes other than they were. */
export const changed = (good: Uint8Array): Arbitrary<Uint8Array> =>
  fc
    .array(
      fc.tuple(
        fc.nat(good.length - 1),
        fc.oneof(
          fc.nat(7).map((bit) => 1 << bit),
          fc.integer({ min: 1, max: 255 }),
        ),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((changes) => {
      const bytes = good.slice();
      for (const [at, by] of changes) bytes[at] = good[at]! ^ by;
      return bytes;
    });

/** Bytes of a structure that are almost right: cut off, too long, changed, or with a field at an edge. */
export function nearlyValidBytes(name: string): Arbitrary<Uint8Array> {
  const { rows } = structureOf(name);
  return validBytes(name).chain((good) =>
    fc.oneof(
      nearly(good),
      fc
        .constantFrom(...rows)
        .chain(({ offset, size }) =>
          fc
            .constantFrom(0, 1, 0x7f, 0x80, 0xff)
            .map((byte) => good.slice().fill(byte, offset, offset + size)),
        ),
    ),
  );
}

/** Bytes in the place of a structure that nobody made with care: any, of any length up to 64 more than it has. */
export const hostileBytes = (name: string): Arbitrary<Uint8Array> => {
  const { size } = structureOf(name);
  return fc.oneof(
    fc.uint8Array({ maxLength: size + 64 }),
    fc
      .tuple(fc.nat(size + 64), fc.constantFrom(0, 0xff, 0x41))
      .map(([length, byte]) => new Uint8Array(length).fill(byte)),
    exactly(size),
    nearlyValidBytes(name),
  );
};

/** Secrets that fit into one table: each GUID once, never NULL_GUID. `most` is how many, `bytes` how long each at most. */
export const secrets = ({ most = 70, bytes = 40 } = {}): Arbitrary<Secret[]> =>
  fc.uniqueArray(
    fc.record({
      guid: guids.filter((guid) => guid !== NULL_GUID),
      data: fc.uint8Array({ maxLength: bytes }),
    }),
    { selector: ({ guid }) => guid, maxLength: most },
  );

/** Secret tables, and such with one thing wrong. */
export const secretTables = (): Arbitrary<Uint8Array> => secrets().map(encodeSecretTable);
export const nearlyValidSecretTables = (): Arbitrary<Uint8Array> => secretTables().chain(nearly);
