import { toHex, utf8 } from '@sevlab/codec/bytes';
import {
  encodeSecretTable,
  readSecretTable,
  type Secret,
  SecretHeader,
} from '@sevlab/codec/efi/secret-table';
import { DISK_PASSPHRASE_GUID, GUID_NAMES, type Guid, parseGuid } from '@sevlab/codec/guid';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print, printJson, writeOutput } from './output.ts';

/** libvirt's name for the passphrase of an encrypted disk. */
const ALIASES: ReadonlyMap<string, Guid> = new Map([['luks-key', DISK_PASSPHRASE_GUID]]);
const SECRET_FORMS = 'GUID:FILE, GUID:text:WORDS, GUID:hex:DIGITS or GUID:base64:TEXT';

/** `GUID:FILE`, or the value itself; `read` takes what is no text. No message repeats the value. Throws CommandError. */
export function parseSecret(text: string, read: (source: string) => Uint8Array = readBytes): Secret {
  const colon = text.indexOf(':');
  if (colon === -1) throw new CommandError(EXIT.usage, `--secret: malformed; expected ${SECRET_FORMS}`);
  const [name, source] = [text.slice(0, colon), text.slice(colon + 1)];
  try {
    const guid = ALIASES.get(name) ?? parseGuid(name);
    return { guid, data: source.startsWith('text:') ? utf8(source.slice(5)) : read(source) };
  } catch (error) {
    if (error instanceof SyntaxError) throw new CommandError(EXIT.usage, `--secret: ${error.message}`);
    throw error;
  }
}

/** sevlab table encode | decode */
export function addTable(program: Command): void {
  const table = program.command('table').description('build a secret table, or take one apart');

  table
    .command('encode')
    .description('build a secret table from GUID and value pairs')
    .option(
      '--secret <guid:source>',
      `${SECRET_FORMS}; may be repeated`,
      (value: string, before: Secret[]) => [...before, parseSecret(value)],
      [],
    )
    .option('--out <file>', 'where to write the table; - is standard output', '-')
    .action(({ secret, out }: { secret: Secret[]; out: string }) => {
      try {
        writeOutput(out, encodeSecretTable(secret));
      } catch (error) {
        if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
        throw error;
      }
    });

  table
    .command('decode')
    .description('list the entries of a secret table, or of a whole secret area')
    .argument('<file>', 'the bytes; - is standard input')
    .option('--json', 'one JSON document')
    .action((file: string, { json }: { json?: boolean }) => {
      const decoded = readSecretTable(readBytes(file));
      if (json) printJson(toJson(decoded));
      else print(toText(decoded));
      if (decoded.error !== undefined) throw new CommandError(EXIT.no, `${file}: ${decoded.error}`);
    });
}

type Decoded = ReturnType<typeof readSecretTable>;

const toJson = ({ header, entries, error }: Decoded) => ({
  header: header ?? null,
  entries: entries.map(({ guid, offset, len, data }) => ({
    guid,
    name: GUID_NAMES.get(guid) ?? null,
    offset,
    len,
    data: toHex(data),
  })),
  error: error ?? null,
});

function toText({ header, entries }: Decoded): string {
  const lines = header
    ? [`header ${header.guid}, table of ${header.len} bytes (header ${SecretHeader.size})`]
    : [];
  for (const { guid, offset, data } of entries) {
    const name = GUID_NAMES.get(guid);
    lines.push(`${String(offset).padStart(6)}  ${guid}  ${data.length} bytes${name ? `  ${name}` : ''}`);
    lines.push(`        ${toHex(data.subarray(0, 32))}${data.length > 32 ? '…' : ''}`);
  }
  return lines.join('\n');
}
