import { toHex } from '@sevlab/codec/bytes';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { macEqual } from '@sevlab/sev-channel/mac';
import { bindsLaunch, measureLaunch } from '@sevlab/sev-channel/measurement';
import { type ClaimedLaunch, claimedDigest } from '@sevlab/sev-channel/measurement-variations';
import { packetMac } from '@sevlab/sev-channel/packet';
import { UsageError } from '@sevlab/vmm-sim/qemu/option-text';
import { QemuExit } from '@sevlab/vmm-sim/qemu/sev-launch';
import { type Difference, firstDifference, type LogVerdict } from '@sevlab/vmm-sim/qmp-log/first-difference';
import type { PacketJudge } from '@sevlab/vmm-sim/qmp-log/learnt-calls';
import { exchangesOf, type LearntLaunch, learnLaunch } from '@sevlab/vmm-sim/qmp-log/learnt-launch';
import { type LoggedMessage, readQmpLog } from '@sevlab/vmm-sim/qmp-log/read-log';
import { explanationText } from '../explain/explanation-text.ts';
import { recognise } from '../explain/recognise.ts';
import { mismatchText } from '../mismatch-text.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes, readFile } from './input.ts';
import { type LaunchOptions, readContents, readPolicy, readTik, readVersion } from './launch-options.ts';
import { print, printJson } from './output.ts';

export interface QmpLogOptions extends LaunchOptions {
  readonly qmp: string;
  readonly json?: boolean;
}

/**
 * sevlab explain --qmp LOG: what the emulated QEMU would have answered otherwise, and whether the measurement in the log
 * is that of the launch that is described. `arguments_` are QEMU's. Throws CommandError.
 */
export function explainQmpLog(options: QmpLogOptions, arguments_: readonly string[]): void {
  const { qmp: path, json } = options;
  const messages = readQmpLog(latin1(readFile(path)));
  if (!messages.some(({ from }) => from === 'vmm') || !messages.some(({ from }) => from === 'client'))
    throw new CommandError(
      EXIT.usage,
      `${path}: no conversation; expected messages of QMP in both directions, a line each`,
    );
  const learnt = learnLaunch(exchangesOf(messages));
  const hasTik = options.tik !== undefined || options.tk !== undefined;
  const measurement = hasTik ? checkMeasurement(path, options, learnt) : undefined;
  const verdict = replay(messages, options, {
    arguments_,
    fits: hasTik ? judge(readTik(options), learnt) : undefined,
  });
  if (json) printJson({ log: path, ...verdict, ...(measurement && { measurement }) });
  else tell(path, verdict, measurement?.text, arguments_.length > 0);
  if (verdict.difference !== undefined)
    throw new CommandError(
      EXIT.no,
      `${placeOf(path, verdict.difference)}: the emulated QEMU differs from here on`,
    );
  if (measurement?.verified === false) throw new CommandError(EXIT.no, `${path}: ${measurement.text}`);
}

function replay(
  messages: readonly LoggedMessage[],
  { firmware }: LaunchOptions,
  { arguments_, fits }: { readonly arguments_: readonly string[]; readonly fits: PacketJudge | undefined },
): LogVerdict {
  try {
    return firstDifference(messages, {
      ...(arguments_.length > 0 && { arguments: arguments_ }),
      ...(firmware !== undefined && { firmware: readBytes(firmware) }),
      ...(fits && { fits }),
    });
  } catch (error) {
    if (error instanceof UsageError) throw new CommandError(EXIT.usage, `behind --: ${error.message}`);
    if (error instanceof QemuExit)
      throw new CommandError(
        EXIT.no,
        `with these arguments QEMU would not have started: ${error.lines.join('; ')}`,
      );
    throw error;
  }
}

/** Whether a packet was sealed with the TIK for the measurement of the log. */
function judge(tik: Uint8Array, learnt: LearntLaunch): PacketJudge {
  const measure = learnt.measurement && LaunchMeasurement.decode(learnt.measurement).measure;
  const bound = bindsLaunch(learnt);
  return ({ header: bytes, secret: data }) => {
    const header = PacketHeader.decode(bytes);
    if (bound && measure === undefined) return true; // nobody knows
    const mac = packetMac({ tik, measure: bound ? measure : undefined, header, guestLen: data.length, data });
    return macEqual(header.mac, mac);
  };
}

/** As `owner measure`, with what the log says of version and policy. Throws CommandError. */
function checkMeasurement(
  path: string,
  options: LaunchOptions,
  learnt: LearntLaunch,
): { readonly verified: boolean; readonly text: string } | undefined {
  if (options.firmware === undefined && options.digest === undefined && options.launchDigest === undefined)
    return undefined;
  if (learnt.measurement?.length !== LaunchMeasurement.size)
    throw new CommandError(
      EXIT.usage,
      `${path}: it has no measurement; expected an answer to query-sev-launch-measure`,
    );
  const policy = readPolicy(options, learnt.policy);
  const claim: ClaimedLaunch = {
    ...{ tik: readTik(options), version: readVersion(options, learnt), policy },
    contents: readContents(options, policy),
  };
  const digest = claimedDigest(claim);
  const said = LaunchMeasurement.decode(learnt.measurement);
  if (macEqual(said.measure, measureLaunch({ ...claim, digest, mnonce: said.mnonce })))
    return { verified: true, text: `the measurement is that of the launch with digest ${toHex(digest)}` };
  return { verified: false, text: mismatchText(claim, said) };
}

function tell(path: string, verdict: LogVerdict, measured: string | undefined, hasArguments: boolean): void {
  const { difference, steps, notCompared } = verdict;
  if (difference !== undefined) print(differenceText(path, difference));
  else print(`${path}: ${steps} steps, and the emulated QEMU answers the same`);
  if (notCompared.length > 0) {
    const why = hasArguments ? 'not emulated' : "it depends on QEMU's arguments, which may stand behind --";
    print(`not compared: ${notCompared.join(', ')} (${why})`);
  }
  if (measured !== undefined) print(measured);
}

const placeOf = (path: string, { line, step }: Difference): string => `${path}:${line}: step ${step}`;

/** What was sent, what came back and what would have, with the meaning of errors. */
function differenceText(path: string, difference: Difference): string {
  const { sent, recorded, emulated } = difference;
  const said = (text: string | undefined): string => (text === undefined ? 'nothing' : short(text));
  const explained = [recorded, emulated].flatMap((text) => recognise(text ?? '').map(explanationText));
  return [
    `${placeOf(path, difference)}: ${short(sent)}`,
    `  the log has   ${said(recorded)}`,
    `  the emulator  ${said(emulated)}`,
    ...[...new Set(explained)].map((text) => text.replace(/^/gm, '  ')),
  ].join('\n');
}

const SHOWN_MAX = 300;
const short = (text: string): string => (text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
