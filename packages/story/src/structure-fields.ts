import { toBase64, toHex } from '@sevlab/codec/bytes';
import { describeValue } from '@sevlab/codec/hexdump';
import type { Struct } from '@sevlab/codec/layout';
import { STRUCTURES } from '@sevlab/codec/structures';

/** One field of an annotated view. */
export interface StructureField {
  readonly name: string;
  readonly type: string;
  /** Bytes from the start of the view, and how many. */
  readonly offset: number;
  readonly length: number;
  /** As `sevlab annotate` prints it; `reserved` for bytes that carry nothing. */
  readonly value: string;
  /** A sentence on what it means. */
  readonly doc: string;
  /** Document and title. */
  readonly clause: string;
  /** The structure that it is a field of, by its name in STRUCTURES; absent for bytes without one. */
  readonly structure?: string;
}

/** Bytes and what they are. */
export interface AnnotatedBytes {
  /** What they are here, such as `packet header`. */
  readonly label: string;
  /** The structure that they start with, by its name in STRUCTURES; absent for bytes without one. */
  readonly name?: string;
  readonly bytes: Uint8Array;
  /** Bytes from the start of what lies at the address; 0 unless given. */
  readonly offset?: number;
  readonly fields: readonly StructureField[];
  /** Document and title. */
  readonly clause: string;
  /** What gives the same on the command line; absent for bytes without a structure. */
  readonly command?: string;
}

const NAMES = new Map(Object.entries(STRUCTURES).map(([name, structure]) => [structure, name]));

/** More bytes than this are written in base64. */
const SHORT = 64;

/** The bytes themselves, as an argument of a command. */
export const asArgument = (bytes: Uint8Array): string =>
  bytes.length <= SHORT ? `hex:${toHex(bytes)}` : `base64:${toBase64(bytes)}`;

/** The fields of a structure of which there are enough bytes at `offset`, each with `prefix` in front of its name. */
export function fieldsAt(
  structure: Struct<unknown>,
  bytes: Uint8Array,
  { offset = 0, prefix = '' }: { readonly offset?: number; readonly prefix?: string } = {},
): StructureField[] {
  const name = NAMES.get(structure);
  return structure.annotate(bytes.subarray(offset, offset + structure.size)).map((field) => ({
    name: `${prefix}${field.name}`,
    type: field.type,
    ...{ offset: offset + field.offset, length: field.size },
    value: 'value' in field ? describeValue(field.value) : 'reserved',
    ...{ doc: field.doc, clause: structure.spec },
    ...(name !== undefined && { structure: name }),
  }));
}

/** Bytes that are the contents of something, without a structure of their own. */
export const plainField = (
  field: Pick<StructureField, 'name' | 'offset' | 'length' | 'doc' | 'clause'>,
  bytes: Uint8Array,
): StructureField => ({
  ...field,
  type: `bytes(${field.length})`,
  value: describeValue(bytes.subarray(field.offset, field.offset + field.length)),
});

/** A structure at the start of `bytes`; undefined when they are too few. */
export function oneStructure(name: string, bytes: Uint8Array, label: string): AnnotatedBytes | undefined {
  const structure = STRUCTURES[name];
  if (structure === undefined || bytes.length < structure.size) return undefined;
  const own = bytes.subarray(0, structure.size);
  return {
    ...{ label, name, bytes: own, fields: fieldsAt(structure, own), clause: structure.spec },
    command: `./sevlab annotate ${name} ${asArgument(own)}`,
  };
}

/** Structures of one kind, one behind another, as far as the bytes reach; undefined when there is none. */
export function manyStructures(name: string, bytes: Uint8Array, label: string): AnnotatedBytes | undefined {
  const structure = STRUCTURES[name];
  if (structure === undefined || bytes.length < structure.size) return undefined;
  const count = Math.floor(bytes.length / structure.size);
  const own = bytes.subarray(0, count * structure.size);
  return {
    ...{ label, name, bytes: own, clause: structure.spec },
    fields: Array.from({ length: count }, (_, i) =>
      fieldsAt(structure, own, { offset: i * structure.size, prefix: `${i + 1} ` }),
    ).flat(),
    command: `./sevlab annotate ${name} ${asArgument(own)}`,
  };
}
