import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { SEV_STATUS, type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import { SUPPORT } from '@sevlab/psp-sim/support';
import { FIRMWARE_ERROR_TEXTS } from '@sevlab/vmm-sim/qemu/firmware-error';
import type { Explanation, LeadingCheck } from './explanation.ts';
import { isSame } from './is-same.ts';
import { STATUS_CAUSES } from './status-causes.ts';

const STATUS_PLACES =
  /fw_err(?:or)?[=:]\s*'?(0x[0-9a-f]+|\d+)|\bsev command 0x[0-9a-f]+ failed \((0x[0-9a-f]+)\)/gi;

/** Numbers of the statuses that a text gives by number, by name, or in QEMU's words. */
export function statusesIn(text: string, messages: readonly unknown[]): readonly number[] {
  const numbers = [...text.matchAll(STATUS_PLACES)].map(([, first, second]) => Number(first ?? second));
  const names = [...text.matchAll(/\b[A-Z][A-Z_]{3,}\b/g)].map(([name]) => name).filter(isStatus);
  const words = messages.length > 0 ? -1 : FIRMWARE_ERROR_TEXTS.findIndex((each) => isSame(each, text));
  return [
    ...new Set([...numbers, ...names.map((name) => SEV_STATUS[name].code), ...(words > 0 ? [words] : [])]),
  ];
}

/** Whether a word is the name of a status. */
export const isStatus = (name: string): name is SevStatus => Object.hasOwn(SEV_STATUS, name);
/** The command of the AMD-SP that a text names, or gives by number as the log of the host does. */
export function commandIn(text: string): CommandName | undefined {
  const id = Number(/\bsev command (0x[0-9a-f]+)/i.exec(text)?.[1] ?? Number.NaN);
  return COMMANDS.find((name) => COMMAND_ID[name] === id || new RegExp(`\\b${name}\\b`).test(text));
}

/** Names of all commands. */
export const COMMANDS = Object.keys(COMMAND_ID) as CommandName[]; // keys of a literal record

/** A status by its number; of its checks only those of the command, where it has any. */
export function explainStatus(code: number, command: CommandName | undefined): Explanation {
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

/** The rows of a command, in their order. */
export function checksOf(command: CommandName): readonly LeadingCheck[] {
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
