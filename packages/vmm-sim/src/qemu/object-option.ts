import type { JsonObject, JsonValue } from '../qmp/json-value.ts';
import { type Parameters, takeKnown } from '../qmp/parameters.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import {
  expectKeys,
  type OptionValues,
  parseJson,
  parseOption,
  parseSwitch,
  ValueError,
} from './option-text.ts';
import { SEV_PARAMETERS, SEV_PROPERTIES, type SevObject, sevObjectFrom } from './sev-object.ts';

/** Types of objects that QEMU 7.2 makes for `-object`, besides sev-guest. NOT MODELLED: what they are for. */
const OTHER_TYPES: ReadonlySet<string> = new Set([
  ...['authz-list', 'authz-list-file', 'authz-pam', 'authz-simple', 'can-bus', 'can-host-socketcan'],
  ...[
    'colo-compare',
    'cryptodev-backend',
    'cryptodev-backend-builtin',
    'cryptodev-vhost-user',
    'dbus-display',
  ],
  ...['dbus-vmstate', 'filter-buffer', 'filter-dump', 'filter-mirror', 'filter-redirector', 'filter-replay'],
  ...['filter-rewriter', 'input-barrier', 'input-linux', 'iothread', 'main-loop', 'memory-backend-epc'],
  ...['memory-backend-file', 'memory-backend-memfd', 'memory-backend-ram', 'pr-manager-helper', 'qtest'],
  ...['rng-builtin', 'rng-egd', 'rng-random', 'secret', 'secret_keyring', 'thread-context', 'throttle-group'],
  ...[
    'tls-cipher-suites',
    'tls-creds-anon',
    'tls-creds-psk',
    'tls-creds-x509',
    'x-remote-object',
    'vfio-user-server',
  ],
]);

/** What `-object` asks for; the guest object where it is one. */
export interface ObjectOption {
  readonly id: string;
  readonly guest?: SevObject;
}

/** Reads `-object`, in either of its two forms. Throws ValueError. */
export function parseObject(text: string): ObjectOption {
  try {
    return text.startsWith('{') ? fromJson(parseJson(text)) : fromWords(parseOption(text, 'qom-type'));
  } catch (error) {
    if (error instanceof QmpError) throw new ValueError(error.message);
    throw error;
  }
}

function fromJson(given: JsonObject): ObjectOption {
  const other = otherObject(given.get('qom-type'), given.get('id'));
  if (other !== undefined) return other;
  const guest = sevObjectFrom(given);
  return { id: identifier(guest.id), guest };
}

/** Words instead of values: numbers and switches are read from them, and complained of in another way. */
function fromWords(words: OptionValues): ObjectOption {
  const other = otherObject(words.get('qom-type'), words.get('id'));
  if (other !== undefined) return other;
  const id = words.get('id');
  if (id !== undefined) identifier(id); // before anything else is looked at
  const { 'qom-type': _, ...taken } = takeKnown(IN_WORDS, words);
  expectKeys(words, Object.keys(IN_WORDS));
  const given = new Map<string, JsonValue>([['qom-type', 'sev-guest']]);
  for (const [name, value] of Object.entries(taken))
    if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean')
      given.set(name, value);
  const guest = sevObjectFrom(given);
  return { id: guest.id, guest };
}

function otherObject(type: JsonValue | undefined, id: JsonValue | undefined): ObjectOption | undefined {
  if (typeof type !== 'string' || !OTHER_TYPES.has(type)) return undefined;
  if (typeof id !== 'string') throw new ValueError("Parameter 'id' is missing");
  return { id: identifier(id) };
}

function identifier(id: string): string {
  if (/^[a-z][\w.-]*$/i.test(id)) return id;
  throw new ValueError(
    "Parameter 'id' expects an identifier\n" +
      "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
  );
}

/** The parameters as a word is taken for each. */
const IN_WORDS: Parameters = Object.fromEntries(
  Object.entries(SEV_PARAMETERS).map(([name, parameter]) => {
    const type = SEV_PROPERTIES.find(([property]) => property === name)?.[1];
    if (type === 'uint32') return [name, { ...parameter, kind: wordAsNumber }];
    return [name, type === 'bool' ? { ...parameter, kind: wordAsSwitch } : parameter];
  }),
);

function wordAsNumber(name: string, word: JsonValue): bigint {
  if (typeof word === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(word) && BigInt(word) < 1n << 64n) {
    if (BigInt(word) < 1n << 32n) return BigInt(word);
    throw new ValueError(`Parameter '${name}' expects uint32_t`);
  }
  throw new ValueError(`Parameter '${name}' expects a uint64 value`);
}

function wordAsSwitch(name: string, word: JsonValue): boolean {
  return parseSwitch(name, String(word));
}
