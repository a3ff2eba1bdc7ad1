import { hexAddress } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { VERIFIERS, type Verifier } from '@sevlab/firmware-sim/direct-boot/blob-verifier';
import { GRUBS, type Grub } from '@sevlab/firmware-sim/grub';
import { buildImage, DEFAULT_IMAGE_SIZE } from '@sevlab/firmware-sim/image';
import { type Inspection, inspectImage } from '@sevlab/firmware-sim/inspect';
import { DEFAULT_LAYOUT, isLayoutName, LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { type Command, Option } from 'commander';
import { inspectionJson, layoutName } from '../inspection-json.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print, printJson, say, writeOutput } from './output.ts';

interface BuildOptions {
  readonly layout: string;
  readonly size: string;
  readonly secretArea?: string;
  readonly verifier?: Verifier;
  readonly grub: Grub;
  readonly reserve: boolean;
  readonly publish: boolean;
  readonly out: string;
}

/** sevlab firmware build | inspect */
export function addFirmware(program: Command): void {
  const firmware = program
    .command('firmware')
    .description('build a firmware image, or look into any OVMF image');

  firmware
    .command('build')
    .description('build an AmdSev-like image that sevlab can boot')
    .requiredOption('--out <file>', 'where to write it; - is standard output')
    .option('--layout <name>', `edk2 layout: ${Object.keys(LAYOUTS).join(', ')}`, DEFAULT_LAYOUT)
    .option('--size <bytes>', 'size of the image, a multiple of 4096', String(DEFAULT_IMAGE_SIZE))
    .option('--secret-area <base:size>', 'announce this area instead of the layout’s, or `none`')
    .addOption(
      new Option(
        '--verifier <release>',
        'how it verifies a kernel that it is given: as edk2 since that release, or not; default: as the layout',
      ).choices(VERIFIERS),
    )
    .addOption(
      new Option(
        '--grub <kind>',
        'what it starts without a kernel: the kernel, nothing, or GRUB with efisecret',
      )
        .choices(GRUBS)
        .default('kernel'),
    )
    .option('--no-reserve', 'forget to reserve the area, as a faulty firmware would')
    .option(
      '--no-publish',
      'tell the kernel nothing of the area; with --no-reserve, as generic builds do from 202511 on',
    )
    .action((options: BuildOptions) => {
      const { layout, size, secretArea, verifier, grub, reserve, publish, out } = options;
      if (!isLayoutName(layout)) {
        throw new CommandError(
          EXIT.usage,
          `--layout: no layout '${layout}'; expected one of ${Object.keys(LAYOUTS).join(', ')}`,
        );
      }
      const area = secretArea === undefined ? {} : { secretArea: parseArea(secretArea) };
      try {
        const image = buildImage({
          layout,
          size: Number(size),
          reservesArea: reserve,
          publishesArea: publish,
          ...(verifier && { verifier }),
          grub,
          ...area,
        });
        writeOutput(out, image);
        say(`${out}: ${image.length} bytes, layout ${layout}, launch digest ${inspectImage(image).sha256}`);
      } catch (error) {
        if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
        throw error;
      }
    });

  firmware
    .command('inspect')
    .description(
      'list the GUIDed table, the secret area and the launch digest of any OVMF image, and lint it',
    )
    .argument('<file>', 'the image; - is standard input')
    .option('--json', 'one JSON document')
    .action((file: string, { json }: { json?: boolean }) => {
      const inspection = inspectImage(readBytes(file));
      if (json) printJson(inspectionJson(inspection));
      else print(toText(inspection));
      const errors = inspection.findings.filter(({ severity }) => severity === 'error');
      if (errors.length > 0)
        throw new CommandError(EXIT.no, `${file}: ${errors.map(({ text }) => text).join('; ')}`);
    });
}

/** `0x810000:0xc00`, or `none`. */
function parseArea(text: string): { base: number; size: number } | 'none' {
  if (text === 'none') return 'none';
  const [base, size, more] = text.split(':').map(Number);
  if (!isU32(base) || !isU32(size) || more !== undefined) {
    throw new CommandError(
      EXIT.usage,
      `--secret-area ${text}: malformed; expected BASE:SIZE such as 0x810000:0xc00, or none`,
    );
  }
  return { base, size };
}

const isU32 = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

function toText({
  size,
  sha256,
  table,
  entries,
  secretArea,
  hashesArea,
  manifest,
  drivers,
  findings,
}: Inspection): string {
  const lines = [`${size} bytes; launch digest ${sha256} (plain SEV, the image alone)`];
  lines.push(
    table.kind === 'table'
      ? `GUIDed table of ${table.size} bytes at offset 0x${table.offset.toString(16)}`
      : `no GUIDed table: ${table.reason}`,
  );
  for (const { guid, name, offset, data, decoded } of entries) {
    lines.push(`  0x${offset.toString(16)}  ${guid}  ${name}: ${toHex(data)}`);
    const sections = decoded?.kind === 'offset' ? (decoded.sections ?? []) : [];
    for (const { base, size: length, type } of sections) {
      lines.push(`    section of type ${type}: ${hexAddress(BigInt(base))}, ${length} bytes`);
    }
  }
  for (const [name, area] of [
    ['secret area', secretArea],
    ['hashes area', hashesArea],
  ] as const) {
    if (area) lines.push(`${name}: ${hexAddress(BigInt(area.base))}, ${area.size} bytes`);
  }
  if (manifest) lines.push(`built by sevlab, layout ${layoutName(manifest)}`);
  if (secretArea && secretArea.size > 0) lines.push(serviceLine(drivers));
  for (const { severity, text } of findings) if (severity === 'warning') lines.push(`warning: ${text}`);
  return lines.join('\n');
}

function serviceLine(drivers: Inspection['drivers']): string {
  if (drivers.kind === 'unknown') {
    return (
      `cannot tell whether SecretPei and SecretDxe serve the secret area: ${drivers.reason}; ` +
      'generic builds from 202511 on announce one and have neither'
    );
  }
  const there = (driver: boolean): string => (driver ? 'there' : 'missing');
  return `SecretPei, which reserves the secret area: ${there(drivers.secretPei)}; SecretDxe, which tells the kernel: ${there(drivers.secretDxe)}`;
}
