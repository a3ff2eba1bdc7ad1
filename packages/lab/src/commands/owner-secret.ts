import { seededEntropy, systemEntropy } from '@sevlab/ambient/entropy';
import { toBase64 } from '@sevlab/codec/bytes';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import type { SealedPacket } from '@sevlab/guest-owner-sim/accepted-launch';
import { TABLE_TAILS, type TableTail } from '@sevlab/guest-owner-sim/table-tail';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { readAsItIs, readNumber, readSized } from './input.ts';
import { addLaunchOptions, INPUT_HELP } from './launch-options.ts';
import {
  addMeasurementOptions,
  type MeasurementOptions,
  tellingWhy,
  type VerifiedLaunch,
  verifyLaunch,
} from './measurement-options.ts';
import { print, printJson, say, writeOutput } from './output.ts';
import { PREDICTABLE } from './seed.ts';
import { parseSecret } from './table.ts';

interface SecretOptions extends MeasurementOptions {
  readonly injectSecret: readonly string[];
  readonly secretHeader?: string;
  readonly secretPayload?: string;
  readonly format: 'base64' | 'raw';
  readonly tail: TableTail;
  readonly gpa?: string;
  readonly resume?: boolean;
  readonly iv?: string;
  readonly seed?: string;
  /** As sevctl calls what is injected, and the measurement. */
  readonly secret?: readonly string[];
  readonly launchMeasureBlob?: string;
}

/** The most that KVM passes on (arch/x86/kvm/svm/sev.c: SEV_FW_BLOB_MAX_SIZE). */
const PACKET_MAX = 16_384;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** sevlab owner secret */
export function addOwnerSecret(owner: Command): void {
  addMeasurementOptions(
    addLaunchOptions(
      owner
        .command('secret')
        .description('check the measurement of a launch and seal secrets for it, as virt-qemu-sev-validate'),
    ),
  )
    .option(
      '-s, --inject-secret <name:file>',
      'luks-key or a GUID, and the file of the secret; may be repeated',
      collect,
      [],
    )
    .addOption(new Option('--secret <name:file>', 'as --inject-secret').argParser(collect).hideHelp())
    .addOption(new Option('--launch-measure-blob <bytes>', 'as --measurement').hideHelp())
    .option('--secret-header <file>', 'where to write the header of the packet')
    .option('--secret-payload <file>', 'where to write its encrypted data')
    .addOption(
      new Option(
        '--format <format>',
        'of the two: base64 without a line end, for QEMU and virsh, or raw, as sevctl',
      )
        .choices(['base64', 'raw'])
        .default('base64'),
    )
    .addOption(
      new Option('--tail <producer>', 'what follows the last secret, as this producer has it')
        .choices(TABLE_TAILS)
        .default('sevctl'),
    )
    .option('--gpa <address>', 'with --qmp: where to inject; default: where the image says')
    .option('--resume', 'with --qmp: start the guest afterwards')
    .option(
      '--iv <bytes>',
      'a given IV, 16 bytes, for tests: one IV for two packets of a session gives both away',
    )
    .option('--seed <text>', 'a predictable IV, for examples and tests')
    .addHelpText(
      'after',
      `${INPUT_HELP}` +
        'With --qmp the packet is injected; it is written to files where these are named. Secrets are read only once the\n' +
        'launch was found good. Tails: sevctl and simple-kbs have 0 to 15 zeros behind the table, virt-qemu-sev-validate\n' +
        '1 to 16, and aleph counts them in the length of the table and ends each secret with a NUL.\n' +
        'sevctl’s --secret, --launch-measure-blob and --launch-digest are understood too. Exit codes: see owner measure.',
    )
    .action(async (given: SecretOptions) => {
      const measurement = given.measurement ?? given.launchMeasureBlob;
      const options = { ...given, ...(measurement !== undefined && { measurement }) };
      const secrets = [...options.injectSecret, ...(options.secret ?? [])];
      expectDestination(options);
      const iv = ivOf(options);
      const launch = await verifyLaunch(options, 'secret');
      try {
        const packet = seal(
          launch,
          options,
          secrets.map((text) => parseSecret(text, readAsItIs)),
          iv,
        );
        writeFiles(packet, options);
        if (launch.client !== undefined) await inject(launch, packet, options);
        tellDone(options, packet, secrets.length);
      } finally {
        launch.close();
      }
    });
}

function tellDone(
  { qmp, json, quiet }: SecretOptions,
  { header, data }: SealedPacket,
  secrets: number,
): void {
  if (json) printJson({ verified: true, secrets, header: toBase64(header), payload: toBase64(data) });
  else if (!quiet) {
    const count = secrets === 1 ? '1 secret' : `${secrets} secrets`;
    print(
      `the measurement is good; ${qmp === undefined ? 'sealed' : 'injected'}: ${count} in ${data.length} bytes`,
    );
  }
}

/** Throws CommandError. */
function expectDestination({ secretHeader, secretPayload, qmp, json, gpa, resume }: SecretOptions): void {
  if ((secretHeader === undefined) !== (secretPayload === undefined))
    throw new CommandError(
      EXIT.usage,
      'expected --secret-header and --secret-payload together, got one of them',
    );
  if (secretHeader === undefined && qmp === undefined && !json)
    throw new CommandError(
      EXIT.usage,
      'expected --secret-header and --secret-payload, or --qmp, got no place for the packet',
    );
  if (qmp === undefined && (gpa !== undefined || resume))
    throw new CommandError(EXIT.usage, '--gpa, --resume: expected --qmp with them');
}

function ivOf({ iv, seed }: SecretOptions): Uint8Array {
  if (iv !== undefined) return readSized('--iv', iv, 16);
  if (seed === undefined) return systemEntropy('guest-owner packet').bytes(16);
  say(PREDICTABLE);
  return seededEntropy(seed, 'guest-owner packet').bytes(16);
}

/** Throws CommandError. */
function seal(
  { accepted, claim }: VerifiedLaunch,
  options: SecretOptions,
  secrets: readonly Secret[],
  iv: Uint8Array,
): SealedPacket {
  const packet = sealed(() => accepted.sealTable(secrets, { tail: options.tail, iv }));
  if (options.ignoreConfig) return packet;
  const area =
    claim.contents instanceof Uint8Array
      ? undefined
      : findArea(readGuidedTable(claim.contents.image), SEV_SECRET_BLOCK_GUID);
  const room = area === undefined || area.size === 0 ? PACKET_MAX : Math.min(area.size, PACKET_MAX);
  if (packet.data.length <= room) return packet;
  throw new CommandError(
    EXIT.configuration,
    `the packet has ${packet.data.length} bytes; expected at most ${room}, ` +
      `${room === PACKET_MAX ? 'which is all that KVM takes' : 'the size of the secret area of the image, since nobody else looks'}; ` +
      'or --ignore-config',
  );
}

function sealed(make: () => SealedPacket): SealedPacket {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
    throw error;
  }
}

function writeFiles(
  { header, data }: SealedPacket,
  { secretHeader, secretPayload, format }: SecretOptions,
): void {
  if (secretHeader === undefined || secretPayload === undefined) return;
  const file = (bytes: Uint8Array): Uint8Array | string => (format === 'raw' ? bytes : toBase64(bytes));
  writeOutput(secretHeader, file(header));
  writeOutput(secretPayload, file(data));
}

/** Throws CommandError. */
async function inject(
  { client }: VerifiedLaunch,
  { header, data }: SealedPacket,
  { gpa, resume }: SecretOptions,
): Promise<void> {
  const address = gpa === undefined ? {} : { gpa: readNumber('--gpa', gpa, Number.MAX_SAFE_INTEGER) };
  await tellingWhy(async () => {
    await client?.ask('sev-inject-launch-secret', {
      'packet-header': toBase64(header),
      secret: toBase64(data),
      ...address,
    });
    if (resume) await client?.ask('cont');
  });
}
