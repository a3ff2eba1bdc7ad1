import { fillForm } from '@sevlab/codec/message-form';
import { string, takeArguments } from '../qmp/parameters.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import type { CommandLineReader } from './command-line-reading.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
import {
  type OptionValues,
  parseJson,
  parseOption,
  parseSwitch,
  UsageError,
  ValueError,
} from './option-text.ts';
import { expectIdentifier, SEV_DEFAULTS, SEV_PROPERTIES, type SevObject, sevObjectOf } from './sev-object.ts';

/** Objects that a user can create (Debian's QEMU 7.2.22, `-object help`). */
const OBJECT_TYPES: ReadonlySet<string> = new Set(
  `
  authz-list authz-list-file authz-simple can-bus can-host-socketcan colo-compare cryptodev-backend
  cryptodev-backend-builtin cryptodev-vhost-user dbus-vmstate filter-buffer filter-dump filter-mirror filter-redirector
  filter-replay filter-rewriter input-barrier input-linux iothread main-loop memory-backend-file memory-backend-memfd
  memory-backend-ram pr-manager-helper qtest rng-builtin rng-egd rng-random secret secret_keyring sev-guest
  thread-context throttle-group tls-cipher-suites tls-creds-anon tls-creds-psk tls-creds-x509 x-remote-object
`
    .trim()
    .split(/\s+/),
);

/** `-object`: a sev-guest, or undefined for an object of another type. Throws UsageError, in QEMU's words. */
export function parseObjectOption(text: string, reader: CommandLineReader): SevObject | undefined {
  try {
    return text.startsWith('{') ? fromJson(text, reader) : fromKeys(parseOption(text, 'qom-type'), reader);
  } catch (error) {
    if (error instanceof QmpError || error instanceof ValueError)
      throw new UsageError(`-object ${text}: ${error.message}${hintAt(error.message)}`);
    throw error;
  }
}

/** What QEMU prints below a message, and tells no QMP client (util/id.c: id_wellformed; error_append_hint). */
const hintAt = (message: string): string =>
  message.endsWith(' expects an identifier')
    ? "\nIdentifiers consist of letters, digits, '-', '.', '_', starting with a letter."
    : '';

/** Throws QmpError. */
function fromJson(text: string, reader: CommandLineReader): SevObject | undefined {
  const given = parseJson(text);
  const ofType = new Map([...given].filter(([name]) => name === 'qom-type'));
  const type = takeArguments({ 'qom-type': string }, ofType)['qom-type'];
  return isSevGuest(type, reader) ? sevObjectOf(given) : undefined;
}

/** Throws QmpError. */
function isSevGuest(type: string, { others }: CommandLineReader): boolean {
  if (others === 'refused' && !OBJECT_TYPES.has(type))
    throw new QmpError(fillForm(QMP_MESSAGES['wrong value'], { name: 'qom-type', value: type }));
  return type === 'sev-guest';
}

/** Throws QmpError and ValueError. */
function fromKeys(values: OptionValues, reader: CommandLineReader): SevObject | undefined {
  const required = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw new QmpError(fillForm(QMP_MESSAGES.missing, { name }));
    return value;
  };
  if (!isSevGuest(required('qom-type'), reader)) return undefined;
  const id = required('id');
  expectIdentifier(id);
  const given: Record<string, string | number | boolean> = {};
  for (const [name, type] of SEV_PROPERTIES) {
    const value = name === 'reduced-phys-bits' ? required(name) : values.get(name);
    if (value !== undefined) given[name] = ofType(type, name, value);
  }
  const legacy = reader.release.sevType ? values.get('legacy-vm-type') : undefined;
  if (legacy !== undefined && legacy !== 'on' && legacy !== 'off' && legacy !== 'auto')
    throw new QmpError(fillForm(QMP_MESSAGES['wrong value'], { name: 'legacy-vm-type', value: legacy }));
  const known = new Set<string>(['qom-type', 'id', ...SEV_PROPERTIES.map(([name]) => name)]);
  const other = [...values.keys()].find((name) => !known.has(name) && !(legacy && name === 'legacy-vm-type'));
  if (other !== undefined) throw new QmpError(fillForm(OPTION_MESSAGES['no key'], { key: other }));
  return {
    ...{ ...SEV_DEFAULTS, 'reduced-phys-bits': 0, ...given, id },
    ...(legacy && { 'legacy-vm-type': legacy }),
  };
}

function ofType(type: string, name: string, value: string): string | number | boolean {
  if (type === 'string') return value;
  return type === 'bool' ? parseSwitch(name, value) : uint32(name, value);
}

/** Decimal, octal behind 0, or hexadecimal, as strtoull(3) reads it. Throws QmpError. */
function uint32(name: string, text: string): number {
  const [, hex, octal, decimal] = /^\s*(?:(0x[0-9a-f]+)|0([0-7]+)|(\d|[1-9]\d+))$/i.exec(text) ?? [];
  const digits = hex ?? (octal === undefined ? decimal : `0o${octal}`);
  const value = digits === undefined ? undefined : BigInt(digits);
  if (value === undefined || value >= 1n << 64n)
    throw new QmpError(fillForm(QMP_MESSAGES['expects other'], { name, expected: 'a uint64 value' }));
  if (value >= 1n << 32n)
    throw new QmpError(fillForm(QMP_MESSAGES['expects other'], { name, expected: 'uint32_t' }));
  return Number(value);
}
