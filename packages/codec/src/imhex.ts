import { type FormatField, formatFields, snakeCase, withInner } from './format-fields.ts';
import type { Struct } from './layout.ts';

/** A structure as a pattern of ImHex (.hexpat), laid at the start of the file. It includes nothing. */
export function imhexPattern(
  name: string,
  struct: Struct<unknown>,
  known: readonly Struct<unknown>[],
): string {
  const parts = withInner(struct, known);
  const hasGuid = parts.some((part) => formatFields(part, known).some(({ kind }) => kind === 'guid'));
  return [
    '// Written by `sevlab annotate --format imhex`.',
    `#pragma description ${struct.name} (${struct.spec})`,
    '#pragma endian little',
    '',
    ...(hasGuid ? [...GUID_TYPE, ''] : []),
    ...parts.flatMap((part) => [
      `struct ${typeName(part)} {`,
      ...formatFields(part, known).map((field) => `    ${declaration(field)}`),
      '};',
      '',
    ]),
    `${typeName(struct)} ${identifier(snakeCase(name))} @ 0x00;`,
    '',
  ].join('\n');
}

const GUID_TYPE = [
  'struct EfiGuid {',
  '    u32 time_low;',
  '    u16 time_mid;',
  '    u16 time_high;',
  '    u8 rest[8];',
  '};',
];

/** `VMSA segment register` → `VmsaSegmentRegister`. */
const typeName = ({ name }: Struct<unknown>): string =>
  snakeCase(name)
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
    .replace(/^(?=\d)/, 'T');

function declaration({ name, kind, size, inner, doc }: FormatField): string {
  const field = identifier(name);
  const comment = doc === '' ? '' : ` [[comment(${JSON.stringify(doc)})]]`;
  if (kind === 'integer') return `u${8 * size} ${field}${comment};`;
  if (kind === 'guid') return `EfiGuid ${field}${comment};`;
  if (inner !== undefined) return `${typeName(inner)} ${field}${comment};`;
  return `${kind === 'text' ? 'char' : 'u8'} ${field}[${size}]${comment};`;
}

/** Words of the pattern language that a field may be called like. */
const WORDS: ReadonlySet<string> = new Set(
  (
    'as auto be bitfield bool break catch char char16 const continue double else enum false float fn for from if import ' +
    'in is le match namespace null out padding parent ref reference return signed str struct this true try union ' +
    'unsigned using while'
  ).split(' '),
);

const identifier = (name: string): string => (WORDS.has(name) || /^\d/.test(name) ? `${name}_` : name);
