import { type FormatField, formatFields, snakeCase, withInner } from './format-fields.ts';
import type { Struct } from './layout.ts';

/**
 * A structure in Kaitai Struct's language (.ksy), for `name` of STRUCTURES. Fields keep their names, with underscores;
 * a GUID is a type of its own, since its first three groups are little endian.
 */
export function kaitaiFormat(
  name: string,
  struct: Struct<unknown>,
  known: readonly Struct<unknown>[],
): string {
  const parts = withInner(struct, known).slice(0, -1);
  const types = parts.map((part) => [`  ${snakeCase(part.name)}:`, ...sequence(part, known, '    ')]);
  const hasGuid = [...parts, struct].some((part) =>
    formatFields(part, known).some(({ kind }) => kind === 'guid'),
  );
  const all = [...types.flat(), ...(hasGuid ? GUID_TYPE : [])];
  return [
    '# Written by `sevlab annotate --format ksy`.',
    'meta:',
    `  id: ${snakeCase(name)}`,
    `  title: ${quoted(struct.name)}`,
    '  license: Apache-2.0',
    '  endian: le',
    `doc: ${quoted(`${struct.size} bytes.`)}`,
    `doc-ref: ${quoted(struct.spec)}`,
    ...sequence(struct, known, ''),
    ...(all.length > 0 ? ['types:', ...all] : []),
    '',
  ].join('\n');
}

const GUID_TYPE = [
  '  efi_guid:',
  '    seq:',
  ...['time_low', 'time_mid', 'time_high'].flatMap((id, i) => [
    `      - id: ${id}`,
    `        type: ${i === 0 ? 'u4' : 'u2'}`,
  ]),
  '      - id: rest',
  '        size: 8',
];

const sequence = (
  struct: Struct<unknown>,
  known: readonly Struct<unknown>[],
  indent: string,
): readonly string[] =>
  [
    'seq:',
    ...formatFields(struct, known).flatMap((field) => [
      `  - id: ${snakeCase(field.name)}`,
      ...typeOf(field).map((line) => `    ${line}`),
      ...(field.doc === '' ? [] : [`    doc: ${quoted(field.doc)}`]),
    ]),
  ].map((line) => indent + line);

function typeOf({ kind, size, inner }: FormatField): readonly string[] {
  if (kind === 'integer') return [`type: u${size}`];
  if (kind === 'text') return ['type: str', `size: ${size}`, 'encoding: ASCII'];
  if (kind === 'guid') return ['type: efi_guid'];
  return inner === undefined ? [`size: ${size}`] : [`type: ${snakeCase(inner.name)}`];
}

/** A string of JSON is one of YAML. */
const quoted = (text: string): string => JSON.stringify(text);
