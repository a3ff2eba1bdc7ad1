import { toHex } from '@sevlab/codec/bytes';
import { GUID_NAMES, guidToBytes, parseGuid } from '@sevlab/codec/guid';
import { fixedLength, readForm } from '@sevlab/codec/message-form';
import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { SEV_STATUS, type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import { STRUCTURES } from '@sevlab/codec/structures';
import { STOP_REASONS } from '@sevlab/firmware-sim/stopped';
import { ERRNO_TEXT, Errno, type ErrnoName } from '@sevlab/guest-kernel-sim/errno';
import { EFI_SECRET_MESSAGES, KERNEL_MESSAGES } from '@sevlab/guest-kernel-sim/log-messages';
import { SUPPORT } from '@sevlab/psp-sim/support';
import { FIRMWARE_ERROR_TEXTS } from '@sevlab/vmm-sim/qemu/firmware-error';
import { SEV_MESSAGES } from '@sevlab/vmm-sim/qemu/sev-messages';
import { QMP_MESSAGES } from '@sevlab/vmm-sim/qmp/qmp-messages';
import { nearest } from '../scenario/nearest.ts';
import { ERRNO_CAUSES } from './errno-causes.ts';
import type { Cause, Explanation, LeadingCheck } from './explanation.ts';
import { EFI_SECRET_CAUSES, KERNEL_CAUSES } from './kernel-message-causes.ts';
import { QMP_MESSAGE_CAUSES } from './qmp-message-causes.ts';
import { SEV_MESSAGE_CAUSES } from './sev-message-causes.ts';
import { STATUS_CAUSES } from './status-causes.ts';
import { STOP_CAUSES } from './stop-causes.ts';

/** Messages of one program: their forms, and what they mean. */
interface MessageTable {
  readonly by: string;
  readonly forms: Readonly<Record<string, string>>;
  readonly causes: Readonly<Record<string, Cause>>;
  /** Whose errno stands in them, as ERRNO_CAUSES begins it. */
  readonly errnoOf: string;
}

const TABLES: readonly MessageTable[] = [
  { by: 'QEMU', forms: SEV_MESSAGES, causes: SEV_MESSAGE_CAUSES, errnoOf: 'KVM' },
  { by: 'QEMU', forms: QMP_MESSAGES, causes: QMP_MESSAGE_CAUSES, errnoOf: 'KVM' },
  { by: 'Linux, efi_secret', forms: EFI_SECRET_MESSAGES, causes: EFI_SECRET_CAUSES, errnoOf: 'efi_secret' },
  { by: 'Linux', forms: KERNEL_MESSAGES, causes: KERNEL_CAUSES, errnoOf: 'efi_secret' },
  { by: 'the firmware', forms: STOP_REASONS, causes: STOP_CAUSES, errnoOf: '' },
];

/** A message that was found in a text. */
interface FoundMessage {
  readonly table: MessageTable;
  readonly form: string;
  readonly cause: Cause;
  readonly places: Readonly<Record<string, string>>;
}

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
    ...TABLES.flatMap(({ forms }) => Object.values(forms)),
  ]);

/** A message of QMP that is an error, or else the line. Of other messages of QMP nothing is to be explained. */
function saidIn(line: string): string {
  const start = line.search(/\{\s*"/);
  if (start === -1) return line;
  try {
    const { error } = JSON.parse(line.slice(start)) as { error?: { desc?: unknown } };
    return typeof error?.desc === 'string' ? error.desc : '';
  } catch {
    return line; // it only looked like one
  }
}

/** Of each program the message that says most, and the one that it quotes. */
function messagesIn(text: string): readonly FoundMessage[] {
  return TABLES.flatMap((table) => {
    const [best] = Object.entries(table.forms)
      .flatMap(([name, form]) => {
        const places = readForm(form, text);
        return places === undefined ? [] : [{ table, form, cause: table.causes[name]!, places }];
      })
      .sort((a, b) => fixedLength(b.form) - fixedLength(a.form));
    if (best === undefined) return [];
    return best.places.why === undefined ? [best] : [best, ...messagesIn(best.places.why)];
  });
}

const explainMessage = ({ table, form, cause }: FoundMessage): Explanation => ({
  kind: 'message',
  what: form,
  by: table.by,
  means: cause.means,
  ...(cause.look !== undefined && { look: cause.look }),
  source: cause.source,
});

const STATUS_PLACES =
  /fw_err(?:or)?[=:]\s*'?(0x[0-9a-f]+|\d+)|\bsev command 0x[0-9a-f]+ failed \((0x[0-9a-f]+)\)/gi;

/** Numbers of the statuses that a text gives by number, by name, or in QEMU's words. */
function statusesIn(text: string, messages: readonly FoundMessage[]): readonly number[] {
  const numbers = [...text.matchAll(STATUS_PLACES)].map(([, first, second]) => Number(first ?? second));
  const names = [...text.matchAll(/\b[A-Z][A-Z_]{3,}\b/g)].map(([name]) => name).filter(isStatus);
  const words = messages.length > 0 ? -1 : FIRMWARE_ERROR_TEXTS.findIndex((each) => isSame(each, text));
  return [
    ...new Set([...numbers, ...names.map((name) => SEV_STATUS[name].code), ...(words > 0 ? [words] : [])]),
  ];
}

const isStatus = (name: string): name is SevStatus => Object.hasOwn(SEV_STATUS, name);
const isSame = (known: string, text: string): boolean =>
  known !== '' &&
  known.toLowerCase() ===
    text
      .trim()
      .replace(/^'(.*)'$/, '$1')
      .toLowerCase();

/** The command of the AMD-SP that a text names, or gives by number as the log of the host does. */
function commandIn(text: string): CommandName | undefined {
  const id = Number(/\bsev command (0x[0-9a-f]+)/i.exec(text)?.[1] ?? Number.NaN);
  return COMMANDS.find((name) => COMMAND_ID[name] === id || new RegExp(`\\b${name}\\b`).test(text));
}

const COMMANDS = Object.keys(COMMAND_ID) as CommandName[]; // keys of a literal record

function explainStatus(code: number, command: CommandName | undefined): Explanation {
  const number = `${code} (0x${code.toString(16).padStart(2, '0')})`;
  const name = statusFromCode(code);
  if (name === undefined) {
    const means =
      'no status of SEV as it is emulated here: those from 0x19 on belong to SEV-SNP and newer firmware';
    return { kind: 'status', what: number, by: 'the AMD-SP', means };
  }
  if (name === 'SUCCESS') {
    const means = `${SEV_STATUS.SUCCESS.sentence} Where a call failed all the same, KVM refused it before the AMD-SP was asked`;
    return { kind: 'status', what: `SUCCESS, ${number}`, by: 'the AMD-SP', means };
  }
  const look = STATUS_CAUSES[name];
  const all = checksLeadingTo(name);
  const own = all.filter((check) => check.command === command);
  return {
    kind: 'status',
    what: `${name}, ${number}`,
    by: 'the AMD-SP',
    means: SEV_STATUS[name].sentence,
    checks: own.length > 0 ? own : all,
    ...(look !== undefined && { look }),
    source: '55766, Status Codes',
  };
}

/** The rows of the emulated commands with that status. */
const checksLeadingTo = (wanted: SevStatus): readonly LeadingCheck[] =>
  COMMANDS.flatMap((command) => checksOf(command).filter(({ status }) => status === wanted));

function checksOf(command: CommandName): readonly LeadingCheck[] {
  const rows = SUPPORT[command].command?.checks ?? [];
  const clause = `55766, ${command}`;
  return rows.map(({ condition, status }, i) => ({
    command,
    row: i + 1,
    mustHold: condition,
    status,
    clause,
  }));
}

const ERRNO_PLACES = /\b(?:ret|err|errno|rc|error)[= ](-\d+)\b/g;

/** Names of the errno values that a text gives by name, by number, or in the words of the C library. */
function errnosIn(text: string, messages: readonly FoundMessage[]): readonly ErrnoName[] {
  const numbers = [...text.matchAll(ERRNO_PLACES)]
    .map(([, number]) => Number(number))
    .filter((number) => number < -1); // -1 is what ioctl(2) returns, whatever errno is
  const names = new Set([...text.matchAll(/\bE[A-Z0-9]{2,}\b/g)].map(([name]) => name));
  const ends = ERRNOS.filter((name) => {
    const end = text.trim().toLowerCase();
    return messages.length === 0 && end.endsWith(ERRNO_TEXT[name].toLowerCase());
  });
  return [
    ...new Set([...ERRNOS.filter((name) => numbers.includes(-Errno[name]) || names.has(name)), ...ends]),
  ];
}

const ERRNOS = Object.keys(Errno) as ErrnoName[]; // keys of a literal record

function explainErrno(name: ErrnoName, errnoOf: string): Explanation {
  const all = ERRNO_CAUSES[name];
  const own = all.filter(({ by }) => errnoOf !== '' && by.startsWith(errnoOf));
  const causes = own.length > 0 ? own : all;
  return {
    kind: 'errno',
    what: `${name}, ${Errno[name]}: ${ERRNO_TEXT[name]}`,
    by: causes.length === 1 ? causes[0]!.by : 'Linux',
    means:
      causes.length === 1 ? causes[0]!.means : causes.map(({ by, means }) => `${by}: ${means}`).join('. '),
  };
}

const GUIDS = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

function guidsIn(text: string): readonly Explanation[] {
  return (text.match(GUIDS) ?? []).flatMap((digits) => {
    const guid = parseGuid(digits);
    const name = GUID_NAMES.get(guid);
    const bytes = toHex(guidToBytes(guid));
    const isAlone = text.trim() === digits;
    if (name === undefined && !isAlone) return [];
    return [
      {
        kind: 'guid' as const,
        what: guid,
        by: name === undefined ? 'nobody here' : 'EFI and its users',
        means:
          name ??
          'not one of those with a meaning of their own; as the name of a secret it is opaque to the kernel',
        look: `in memory its bytes are ${bytes}: the first three groups are little endian`,
      },
    ];
  });
}

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

function explainCommand(name: CommandName): Explanation {
  const { command, partial, status } = { partial: undefined, status: undefined, ...SUPPORT[name] };
  const emulated = command === undefined ? `not emulated: it answers ${status}` : (partial ?? 'emulated');
  return {
    kind: 'command',
    what: `${name}, 0x${COMMAND_ID[name].toString(16).padStart(3, '0')}`,
    by: 'a command of the AMD-SP',
    means: emulated,
    checks: checksOf(name),
    source: `55766, ${name}`,
  };
}

const explainStructure = (
  name: string,
  { name: title, size, spec }: (typeof STRUCTURES)[string],
): Explanation => ({
  kind: 'structure',
  what: `${title}, ${size} bytes`,
  by: 'a structure',
  means: `its fields are in docs/reference/structures.md#${name}`,
  look: `\`sevlab annotate ${name} FILE\` shows a file as one`,
  source: spec,
});

/** The first of those that say the same. */
const distinct = (all: readonly Explanation[]): readonly Explanation[] => [
  ...new Map(all.map((each) => [`${each.kind} ${each.what}`, each] as const)).values(),
];
