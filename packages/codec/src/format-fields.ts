import type { Struct } from './layout.ts';

/** A field as other programs' format descriptions can say it. */
export interface FormatField {
  /** As declared: `pdhCertPaddr`. */
  readonly name: string;
  /** Bytes from the start of the structure, and its length. */
  readonly offset: number;
  readonly size: number;
  readonly kind: 'integer' | 'text' | 'bytes' | 'guid' | 'structure';
  /** The structure that it is. */
  readonly inner?: Struct<unknown>;
  readonly doc: string;
}

const INTEGERS: ReadonlySet<string> = new Set(['u8', 'u16le', 'u32le', 'u64le', 'gpa', 'spa']);

/** The fields of a structure, reserved ones too. `known` are the structures that may be fields. Throws Error for a type that it does not know. */
export const formatFields = (
  struct: Struct<unknown>,
  known: readonly Struct<unknown>[],
): readonly FormatField[] =>
  struct.rows.map(({ name, offset, size, type, doc }) => {
    const isReserved = type.startsWith('reserved(');
    const field = { name, offset, size, doc: isReserved ? 'Reserved.' : doc };
    if (INTEGERS.has(type)) return { ...field, kind: 'integer' };
    if (type.startsWith('ascii(')) return { ...field, kind: 'text' };
    if (type.startsWith('bytes(') || isReserved) return { ...field, kind: 'bytes' };
    if (type === 'guid') return { ...field, kind: 'guid' };
    const inner = known.find((each) => each.name === type);
    if (inner === undefined) throw new Error(`${struct.name}.${name}: a field of the unknown type ${type}`);
    return { ...field, kind: 'structure', inner };
  });

/** The structures that a structure consists of, innermost first, itself last. */
export function withInner(
  struct: Struct<unknown>,
  known: readonly Struct<unknown>[],
): readonly Struct<unknown>[] {
  const inner = formatFields(struct, known).flatMap((field) =>
    field.inner ? withInner(field.inner, known) : [],
  );
  return [...new Set([...inner, struct])];
}

/** `pdh-cert-export`, `pdhCertPaddr`, `VMSA segment register` → lower case with underscores. */
export const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
