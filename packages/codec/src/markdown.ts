import type { Struct } from './layout.ts';

/** The reference table of a structure in Markdown, one row per field, with a line end behind each row. */
export function structTable<T>({ rows }: Struct<T>): string {
  return [
    ['Offset', 'Size', 'Field', 'Type', 'Meaning'],
    ['---', '---', '---', '---', '---'],
    ...rows.map(({ offset, size, name, type, doc }) => [
      `0x${offset.toString(16).padStart(2, '0')}`,
      `${size}`,
      `\`${name}\``,
      type,
      doc.replaceAll('|', '\\|'),
    ]),
  ]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}
