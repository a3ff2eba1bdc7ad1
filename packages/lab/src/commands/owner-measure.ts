import { concat, toBase64, toHex } from '@sevlab/codec/bytes';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { measureLaunch } from '@sevlab/sev-channel/measurement';
import { claimedDigest } from '@sevlab/sev-channel/measurement-variations';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { readSized } from './input.ts';
import {
  addLaunchOptions,
  INPUT_HELP,
  readContents,
  readPolicy,
  readTik,
  readVersion,
} from './launch-options.ts';
import { addMeasurementOptions, type MeasurementOptions, verifyLaunch } from './measurement-options.ts';
import { print, printJson, writeOutput } from './output.ts';

interface MeasureOptions extends MeasurementOptions {
  readonly nonce?: string;
  readonly launchMeasureBlob?: string;
  readonly outfile?: string;
}

/** sevlab owner measure */
export function addOwnerMeasure(owner: Command): void {
  addMeasurementOptions(
    addLaunchOptions(
      owner
        .command('measure')
        .description('check the measurement of a launch, as virt-qemu-sev-validate; or compute one'),
    ),
  )
    .option('--nonce <bytes>', 'compute: the 16 bytes of MNONCE, or a measurement that has them')
    .addOption(new Option('--launch-measure-blob <bytes>', 'as --nonce').hideHelp())
    .option(
      '--outfile <file>',
      'compute: where to write the 48 bytes, raw; default: base64 on standard output',
    )
    .addHelpText(
      'after',
      `${INPUT_HELP}` +
        'Exit: 0 the measurement is good, 1 it is not, 2 wrong usage, 3 not safe without --insecure, 4 the image cannot\n' +
        'be started so, 5 the guest is in another state. Where a single difference explains a bad one, it is named.',
    )
    .action(async (options: MeasureOptions) => {
      if (options.nonce !== undefined || options.launchMeasureBlob !== undefined) compute(options);
      else (await verifyLaunch(options, 'measure')).close();
    });
}

/** sevctl measurement build. Throws CommandError. */
function compute(options: MeasureOptions): void {
  if (options.measurement !== undefined || options.qmp !== undefined)
    throw new CommandError(EXIT.usage, '--nonce, --measurement, --qmp: expected one of them, got several');
  const policy = readPolicy(options, undefined);
  const version = readVersion(options, undefined);
  const mnonce = readNonce(options.nonce ?? options.launchMeasureBlob ?? '');
  const digest = claimedDigest({ contents: readContents(options, policy) });
  const measure = measureLaunch({ tik: readTik(options), version, policy, digest, mnonce });
  const measurement = concat(measure, mnonce);
  if (options.outfile !== undefined) writeOutput(options.outfile, measurement);
  else if (options.json) printJson({ measurement: toBase64(measurement), digest: toHex(digest) });
  else print(toBase64(measurement));
}

/** 16 bytes, or those at the end of a measurement. Throws CommandError. */
function readNonce(source: string): Uint8Array {
  try {
    return LaunchMeasurement.decode(readSized('--nonce', source, LaunchMeasurement.size)).mnonce;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return readSized('--nonce', source, 16);
  }
}
