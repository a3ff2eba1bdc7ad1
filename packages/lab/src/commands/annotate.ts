import { toHex } from '@sevlab/codec/bytes';
import { describeValue, type HexRow, hexRows } from '@sevlab/codec/hexdump';
import { STRUCTURES } from '@sevlab/codec/structures';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print, printJson } from './output.ts';

/** sevlab annotate STRUCT FILE */
export function addAnnotate(program: Command): void {
  const names = Object.keys(STRUCTURES).join(', ');
  program
    .command('annotate')
    .description('annotated hex dump of any structure')
    .argument('<struct>', `one of ${names}`)
    .argument('<file>', 'the bytes; - is standard input')
    .option('--offset <n>', 'start at this byte of the file', Number, 0)
    .option('--json', 'one JSON document')
    .action((name: string, file: string, { offset, json }: { offset: number; json?: boolean }) => {
      const structure = Object.hasOwn(STRUCTURES, name) ? STRUCTURES[name] : undefined;
      if (structure === undefined)
        throw new CommandError(EXIT.usage, `no structure '${name}'; expected one of ${names}`);
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

/** Columns wide enough for 16 bytes and the longest field name. */
const lineOf = ({ offset, bytes, ascii, name, value }: HexRow): string =>
  `${offset}  ${bytes.padEnd(47)}  ${ascii.padEnd(16)}  ${name.padEnd(20)} ${value}`.trimEnd();
