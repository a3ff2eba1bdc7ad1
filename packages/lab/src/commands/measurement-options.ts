import { toHex } from '@sevlab/codec/bytes';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { type AcceptedLaunch, acceptLaunch } from '@sevlab/guest-owner-sim/accepted-launch';
import { describeLaunch } from '@sevlab/sev-channel/described-launch';
import { describeTranscript } from '@sevlab/sev-channel/launch-digest';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { type ClaimedLaunch, claimedDigest } from '@sevlab/sev-channel/measurement-variations';
import type { Command } from 'commander';
import { mismatchText } from '../mismatch-text.ts';
import { parseQmpPlace, QmpClient, QmpRefusal, QmpSilence } from '../qmp-client.ts';
import { askLaunch, askMeasurement, type ReportedLaunch, StrangeAnswer } from '../reported-launch.ts';
import { CommandError, EXIT } from './exit.ts';
import { readGiven, readNumber } from './input.ts';
import { type LaunchOptions, readContents, readKeys, readPolicy, readVersion } from './launch-options.ts';
import { print, printJson, say } from './output.ts';

/** Where the measurement comes from, and how much is told. */
export interface MeasurementOptions extends LaunchOptions {
  readonly measurement?: string;
  readonly qmp?: string;
  readonly timeout: string;
  readonly insecure?: boolean;
  readonly debug?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Adds the options that verifyLaunch reads. */
export const addMeasurementOptions = (command: Command): Command =>
  command
    .option('-m, --measurement <bytes>', 'what query-sev-launch-measure gave, 48 bytes')
    .option('--qmp <place>', 'ask a QEMU, or sevlab vmm, for it: a path, or tcp:HOST:PORT')
    .option('--timeout <seconds>', 'how long to wait for its answers', '10')
    .option('-i, --insecure', 'ask a QEMU on this very machine')
    .option('-d, --debug', 'tell what was measured')
    .option('-q, --quiet', 'say nothing about a good measurement')
    .option('--json', 'one JSON document');

/** A launch that was found good, and the conversation with its host, if there is one. */
export interface VerifiedLaunch {
  readonly accepted: AcceptedLaunch;
  readonly claim: ClaimedLaunch;
  readonly digest: Uint8Array;
  readonly client: QmpClient | undefined;
  close(): void;
}

/** Throws CommandError: see the exit codes of owner measure. */
export async function verifyLaunch(
  options: MeasurementOptions,
  purpose: 'measure' | 'secret',
): Promise<VerifiedLaunch> {
  const keys = readKeys(options);
  if ((options.measurement === undefined) === (options.qmp === undefined))
    throw new CommandError(EXIT.usage, 'expected --measurement or --qmp, one of them');
  const client = options.qmp === undefined ? undefined : await connectTo(options.qmp, options);
  try {
    const reported = client && (await tellingWhy(() => reportOf(client, options, purpose)));
    const version = readVersion(options, reported?.version);
    const policy = readPolicy(options, reported?.policy);
    const contents = readContents(options, policy);
    const claim = { ...keys, version, policy, contents };
    if (options.debug) tellContents(claim);
    const digest = claimedDigest(claim);
    const measurement = client
      ? await tellingWhy(() => askMeasurement(client))
      : readGiven('--measurement', options.measurement ?? '', LaunchMeasurement.size);
    const accepted = accept(claim, digest, measurement);
    if (purpose === 'measure') tellGood(options, digest, version);
    return { accepted, claim, digest, client, close: () => client?.close() };
  } catch (error) {
    client?.close();
    throw error;
  }
}

function accept(claim: ClaimedLaunch & { readonly tek: Uint8Array }, digest: Uint8Array, bytes: Uint8Array) {
  if (bytes.length !== LaunchMeasurement.size)
    throw new CommandError(
      EXIT.no,
      `the measurement has ${bytes.length} bytes; expected MEASURE and MNONCE, ${LaunchMeasurement.size}`,
    );
  const accepted = acceptLaunch(claim, { ...claim, digest }, bytes);
  if (accepted !== undefined) return accepted;
  throw new CommandError(EXIT.no, mismatchText(claim, LaunchMeasurement.decode(bytes)));
}

function tellGood({ quiet, json }: MeasurementOptions, digest: Uint8Array, version: FirmwareVersion): void {
  if (json) printJson({ verified: true, digest: toHex(digest), version });
  else if (!quiet) print(`the measurement is that of the launch with digest ${toHex(digest)}`);
}

function tellContents({ contents }: ClaimedLaunch): void {
  if (contents instanceof Uint8Array) return;
  for (const { what, length, sha256 } of describeTranscript(describeLaunch(contents)))
    say(`${what.padEnd(16)}  ${String(length).padStart(8)} bytes  ${sha256}`);
}

/** Throws CommandError. */
async function connectTo(text: string, { insecure, timeout }: MeasurementOptions): Promise<QmpClient> {
  const place = parseQmpPlace(text);
  if (place === undefined)
    throw new CommandError(EXIT.usage, `--qmp ${text}: expected a path, unix:PATH or tcp:HOST:PORT`);
  const here = new CommandError(
    EXIT.unsafe,
    `--qmp ${text}: that host is this machine, and whoever runs it could read the keys; expected another one. ` +
      'For an emulated host, or a socket that is forwarded from elsewhere, add --insecure',
  );
  if (!insecure && (place.kind === 'unix' || isLoopback(place.host))) throw here;
  const milliseconds = 1000 * readNumber('--timeout', timeout, 3600);
  const client = await tellingWhy(() => QmpClient.open(place, milliseconds), `--qmp ${text}: `);
  if (insecure || !client.isLocal) return client;
  client.close();
  throw here;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.');

/** Throws CommandError when the guest is none whose launch can be judged. */
async function reportOf(
  client: QmpClient,
  { insecure }: MeasurementOptions,
  purpose: 'measure' | 'secret',
): Promise<ReportedLaunch> {
  const reported = await askLaunch(client);
  if (reported === undefined)
    throw new CommandError(
      EXIT.configuration,
      'query-sev: it is no SEV guest; expected one with a sev-guest object',
    );
  const { state, running } = reported;
  if (purpose === 'secret' && state !== 'launch-secret')
    throw new CommandError(
      EXIT.state,
      `query-sev: the guest is in state ${state}; expected launch-secret: it takes secrets after it was measured and before cont`,
    );
  if (running && !insecure)
    throw new CommandError(EXIT.state, 'query-status: the guest runs already; expected one that is paused');
  return reported;
}

/** What went wrong in a conversation, as a CommandError. */
export async function tellingWhy<T>(conversation: () => Promise<T>, where = ''): Promise<T> {
  try {
    return await conversation();
  } catch (error) {
    if (error instanceof QmpSilence) throw new CommandError(EXIT.state, `${where}${error.message}`);
    if (error instanceof QmpRefusal)
      throw new CommandError(exitOf(error), `${where}the host refused: ${error.message}`);
    if (error instanceof StrangeAnswer) throw new CommandError(EXIT.no, `${where}${error.message}`);
    throw error;
  }
}

/** QEMU's texts, which have no number. */
function exitOf({ message }: QmpRefusal): CommandError['exitCode'] {
  if (/no secret area|SEV is not (enabled|available)|not enabled for guest|has not been found/.test(message))
    return EXIT.configuration;
  return /correct state|not available/.test(message) ? EXIT.state : EXIT.no;
}
