import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@sevlab/codec/bytes';
import { snakeCase } from '@sevlab/codec/format-fields';
import { describeValue, type HexRow, hexRows } from '@sevlab/codec/hexdump';
import { imhexPattern } from '@sevlab/codec/imhex';
import { kaitaiFormat } from '@sevlab/codec/ksy';
import { STRUCTURES } from '@sevlab/codec/structures';
import { type Command, Option } from 'commander';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print, printJson, writeOutput } from './output.ts';

interface AnnotateOptions {
  readonly offset: number;
  readonly json?: boolean;
  readonly format?: keyof typeof FORMATS;
  readonly export?: string;
}

const FORMATS = {
  ksy: { write: kaitaiFormat, end: 'ksy' },
  imhex: { write: imhexPattern, end: 'hexpat' },
} as const;

const KNOWN = Object.values(STRUCTURES);

/** sevlab annotate STRUCT FILE */
export function addAnnotate(program: Command): void {
  const names = Object.keys(STRUCTURES).join(', ');
  program
    .command('annotate')
    .description('annotated hex dump of any structure')
    .argument('[struct]', `one of ${names}`)
    .argument('[file]', 'the bytes; - is standard input')
    .option('--offset <n>', 'start at this byte of the file', Number, 0)
    .option('--json', 'one JSON document')
    .addOption(
      new Option(
        '--format <language>',
        'no file: describe the structure for Kaitai Struct or for ImHex',
      ).choices(Object.keys(FORMATS)),
    )
    .option('--export <folder>', 'with --format: all structures, a file each')
    .action((name: string | undefined, file: string | undefined, options: AnnotateOptions) => {
      const { offset, json, format, export: folder } = options;
      if (format !== undefined && folder !== undefined) {
        exportFormats(folder, format);
        return;
      }
      if (folder !== undefined) throw new CommandError(EXIT.usage, '--export: expected --format with it');
      const structure = name !== undefined && Object.hasOwn(STRUCTURES, name) ? STRUCTURES[name] : undefined;
      if (name === undefined || structure === undefined)
        throw new CommandError(EXIT.usage, `no structure '${name ?? ''}'; expected one of ${names}`);
      if (format !== undefined) {
        print(FORMATS[format].write(name, structure, KNOWN));
        return;
      }
      if (file === undefined) throw new CommandError(EXIT.usage, 'no file; expected one, or --format');
      const whole = readBytes(file);
      if (!Number.isInteger(offset) || offset < 0 || offset > whole.length) {
        throw new CommandError(
          EXIT.usage,
          `--offset: expected a byte of the file, 0 to ${whole.length}, got ${offset}`,
        );
      }
      const bytes = whole.subarray(offset);
      const annotations = structure.annotate(bytes.subarray(0, structure.size));
      if (json) {
        const fields = annotations.map(({ name: field, type, offset: at, size, doc, bytes: raw, value }) => ({
          field,
          type,
          offset: at,
          size,
          bytes: toHex(raw),
          value: value === undefined ? null : describeValue(value),
          doc,
        }));
        printJson({ structure: structure.name, spec: structure.spec, size: structure.size, fields });
      } else {
        print(`${structure.name}, ${structure.size} bytes (${structure.spec})`);
        for (const row of hexRows(annotations)) print(lineOf(row));
      }
      if (bytes.length < structure.size) {
        throw new CommandError(
          EXIT.no,
          `${file}: the structure is cut off; expected ${structure.size} bytes, got ${bytes.length}`,
        );
      }
    });
}

/** `packet-header` → `packet_header.ksy`, which is what Kaitai Struct calls it. Throws CommandError. */
function exportFormats(folder: string, format: keyof typeof FORMATS): void {
  const { write, end } = FORMATS[format];
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${folder}: ${systemReason(error)}; expected a folder that can be made`,
    );
  }
  for (const [name, structure] of Object.entries(STRUCTURES))
    writeOutput(join(folder, `${snakeCase(name)}.${end}`), write(name, structure, KNOWN));
  print(`${folder}: .${end} files, ${KNOWN.length}`);
}

/** Columns wide enough for 16 bytes and the longest field name. */
const lineOf = ({ offset, bytes, ascii, name, value }: HexRow): string =>
  `${offset}  ${bytes.padEnd(47)}  ${ascii.padEnd(16)}  ${name.padEnd(20)} ${value}`.trimEnd();
