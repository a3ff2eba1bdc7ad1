import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { SEV_STATUS, statusFromCode } from '@sevlab/codec/sev/status';
import { STRUCTURES } from '@sevlab/codec/structures';
import { Errno } from '@sevlab/guest-kernel-sim/errno';
import { FIRMWARE_ERROR_TEXTS } from '@sevlab/vmm-sim/qemu/firmware-error';
import { membersOf, objectIn } from '@sevlab/vmm-sim/qmp-log/read-log';
import { nearest } from '../scenario/nearest.ts';
import { ERRNOS, errnosIn, explainErrno } from './errnos.ts';
import type { Explanation } from './explanation.ts';
import { isSame } from './is-same.ts';
import { explainMessage, MESSAGE_FORMS, messagesIn } from './messages.ts';
import { explainCommand, explainStructure, guidsIn } from './names.ts';
import { COMMANDS, commandIn, explainStatus, isStatus, statusesIn } from './statuses.ts';

/** All that a line says, explained: messages first, then what is in them. Empty when nothing is recognized. */
export function recognise(line: string): readonly Explanation[] {
  const text = saidIn(line);
  const messages = messagesIn(text);
  const command = messages.find(({ cause }) => cause.command)?.cause.command ?? commandIn(text);
  const found = [
    ...messages.map(explainMessage),
    ...statusesIn(text, messages).map((code) => explainStatus(code, command)),
    ...errnosIn(text, messages).map((name) => explainErrno(name, messages[0]?.table.errnoOf ?? '')),
    ...guidsIn(text),
  ];
  if (found.length > 0) return distinct(found);
  return [...numberAlone(text.trim()), ...wordsAlone(text.trim())];
}

/** The known word, name or message that is most like a text. */
export const nearestKnown = (text: string): string | undefined =>
  nearest(text.trim(), [
    ...Object.keys(SEV_STATUS),
    ...Object.keys(Errno),
    ...Object.keys(COMMAND_ID),
    ...Object.keys(STRUCTURES),
    ...FIRMWARE_ERROR_TEXTS.filter((each) => each !== ''),
    ...MESSAGE_FORMS,
  ]);

/** A message of QMP that is an error, or else the line. Of other messages of QMP nothing is to be explained. */
function saidIn(line: string): string {
  const object = objectIn(line);
  const members = object === undefined ? undefined : membersOf(object);
  if (members === undefined || !QMP_MEMBERS.some((member) => member in members)) return line;
  const desc = (members.error as { desc?: unknown } | undefined)?.desc;
  return typeof desc === 'string' ? desc : '';
}

const QMP_MEMBERS: readonly string[] = ['execute', 'exec-oob', 'QMP', 'return', 'error', 'event'];

/** A number that stands alone is a status, an errno, or both. */
function numberAlone(text: string): readonly Explanation[] {
  if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) return [];
  const number = text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
  const errnos = ERRNOS.filter((name) => Errno[name] === Math.abs(number));
  const isCode =
    number >= 0 && (statusFromCode(number) !== undefined || errnos.length === 0) && number <= 0xffff;
  return [
    ...(isCode ? [explainStatus(number, undefined)] : []),
    ...errnos.map((name) => explainErrno(name, '')),
  ];
}

/** Names of statuses and errno in any case, of commands and structures. */
function wordsAlone(text: string): readonly Explanation[] {
  const upper = text.toUpperCase().replaceAll(/[ -]/g, '_');
  if (isStatus(upper)) return [explainStatus(SEV_STATUS[upper].code, undefined)];
  const errno = ERRNOS.find((name) => name === upper);
  if (errno !== undefined) return [explainErrno(errno, '')];
  const command = COMMANDS.find((name) => name === upper);
  const structure = Object.entries(STRUCTURES).find(
    ([name, { name: title }]) => isSame(name, text) || isSame(title, text),
  );
  return [
    ...(command === undefined ? [] : [explainCommand(command)]),
    ...(structure === undefined ? [] : [explainStructure(...structure)]),
  ];
}

/** The first of those that say the same. */
const distinct = (all: readonly Explanation[]): readonly Explanation[] => [
  ...new Map(all.map((each) => [`${each.kind} ${each.what}`, each] as const)).values(),
];
