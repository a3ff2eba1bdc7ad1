import { toHex } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { COMPRESSED, PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { tailsOf } from '@sevlab/guest-owner-sim/table-tail';
import { macEqual } from '@sevlab/sev-channel/mac';
import { decryptPacket, packetMac } from '@sevlab/sev-channel/packet';
import type { Command } from 'commander';
import { packetText } from '../packet-text.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes, readCiphertext } from './input.ts';
import { print, printJson, writeOutput } from './output.ts';

interface OpenOptions {
  readonly header: string;
  readonly payload: string;
  readonly tek: string;
  readonly tik: string;
  readonly measurement?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** MEASURE, 32 bytes; and MNONCE, where 48 are given. Throws CommandError. */
function readMeasure(source: string): { measure: Uint8Array; mnonce?: Uint8Array } {
  try {
    return LaunchMeasurement.decode(readBytes(source, LaunchMeasurement.size));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { measure: readBytes(source, 32) };
  }
}

/** sevlab packet open */
export function addPacket(program: Command): void {
  program
    .command('packet')
    .description('look into LAUNCH_SECRET packets')
    .command('open')
    .description('verify and decrypt a packet that any tool made, as LAUNCH_SECRET would')
    .requiredOption('--header <file>', 'packet header, 52 bytes')
    .requiredOption('--payload <file>', 'encrypted data')
    .requiredOption('--tek <file>', 'transport encryption key, 16 bytes')
    .requiredOption('--tik <file>', 'transport integrity key, 16 bytes')
    .option(
      '--measurement <file>',
      'what LAUNCH_MEASURE gave, 48 or 32 bytes; left out: firmware before API 0.17',
    )
    .option('--out <file>', 'write the plaintext there; - is standard output')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nEach FILE may be raw, base64 or hexadecimal, or be given as base64:… or hex:….')
    .action((options: OpenOptions) => {
      const header = PacketHeader.decode(readBytes(options.header, PacketHeader.size));
      const data = readCiphertext(options.payload);
      const [tek, tik] = [readBytes(options.tek, 16), readBytes(options.tik, 16)];
      const measurement = options.measurement === undefined ? undefined : readMeasure(options.measurement);
      const measure = measurement?.measure;
      const concerns = concernsAbout(header, data);
      const expected = packetMac({ tik, measure, header, guestLen: data.length, data });
      if (!macEqual(header.mac, expected)) {
        const [length] = concerns.filter((concern) => concern.includes('INVALID_LENGTH'));
        throw new CommandError(
          EXIT.no,
          `${options.header}: the MAC does not match; expected ${toHex(expected)}, got ${toHex(header.mac)}; ` +
            `${packetText({ tek, tik, measure, ...measurement }, header, data) ?? 'try another TIK or measurement'}: ` +
            `${length ?? 'LAUNCH_SECRET would answer BAD_MEASUREMENT'}`,
        );
      }
      const plaintext = decryptPacket(tek, header.iv, data);
      const table = readSecretTable(plaintext);
      if (options.out !== undefined) writeOutput(options.out, plaintext);
      if (options.json) {
        const entries = table.entries.map(({ guid, data: secret }) => ({ guid, data: toHex(secret) }));
        printJson({
          verified: true,
          plaintext: toHex(plaintext),
          table: table.error ? null : entries,
          tails: tailsOf(plaintext),
          concerns,
        });
      } else if (options.out !== '-') {
        print(`the MAC matches; ${plaintext.length} bytes of plaintext`);
        for (const { guid, data: secret } of table.entries) print(`  ${guid}  ${secret.length} bytes`);
        if (table.error !== undefined) print(`  no secret table: ${table.error}`);
        else
          print(`  the table ends as ${tailsOf(plaintext).join(' or ') || 'no known producer'} would end it`);
      }
      if (concerns.length > 0) throw new CommandError(EXIT.no, `${options.payload}: ${concerns.join('; ')}`);
    });
}

/** Why the AMD-SP would refuse a packet whose MAC is right. */
function concernsAbout(header: PacketHeader, data: Uint8Array): string[] {
  const concerns: string[] = [];
  if (data.length === 0 || data.length % 16 !== 0) {
    concerns.push(
      `LAUNCH_SECRET would answer INVALID_LENGTH: expected a multiple of 16 bytes, got ${data.length}; ` +
        'sev-tool 1.7 pads nothing, so give it a secret of whole blocks, or use another tool',
    );
  }
  if (data.length > 16_384)
    concerns.push(
      `LAUNCH_SECRET would answer INVALID_LENGTH: expected at most 16384 bytes, got ${data.length}`,
    );
  if (header.flags & COMPRESSED)
    concerns.push('LAUNCH_SECRET would answer UNSUPPORTED: the packet is COMPRESSED');
  return concerns;
}
