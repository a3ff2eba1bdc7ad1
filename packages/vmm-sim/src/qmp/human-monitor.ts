import { gpa } from '@sevlab/codec/address';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { regionAt, whyNotMemory } from '../qemu/memory-map.ts';
import { NO_UUID, type QemuMachine } from '../qemu/qemu-machine.ts';

/** What QEMU's monitor for people answers to a line, with `\r\n` behind each line (7.2, monitor/hmp-cmds.c). */
export function humanMonitor(machine: QemuMachine, commandLine: string): string {
  const words = commandLine.trim().split(/\s+/);
  if (words[0] === '') return '';
  const { name, rest } = splitName(words);
  const found = find(name);
  return found ? found.run(machine, rest, name) : unknown(name);
}

/** `info` goes with the word behind it. */
function splitName(words: readonly string[]): { readonly name: string; readonly rest: readonly string[] } {
  const length = words[0] === 'info' && words.length > 1 ? 2 : 1;
  return { name: words.slice(0, length).join(' '), rest: words.slice(length) };
}

const find = (name: string): HumanCommandRow | undefined =>
  COMMANDS.find(({ names }) => names.split('|').includes(name));

const unknown = (name: string): string => `unknown command: '${name}'\r\n`;

/** DEVIATION: without a name, those that there are here. */
function help(_: QemuMachine, words: readonly string[]): string {
  const { name } = splitName(words);
  if (name !== undefined && words.length > 0) return find(name) ? aboutLine(find(name)!) : unknown(name);
  return COMMANDS.map(aboutLine).join('');
}

const aboutLine = ({ names, args = '', about }: HumanCommandRow): string =>
  `${names} ${args} -- ${about}\r\n`;

type HumanCommand = (machine: QemuMachine, words: readonly string[], name: string) => string;

/** A command without arguments; its lines. */
const plain =
  (lines: (machine: QemuMachine) => readonly string[]): HumanCommand =>
  (machine, words, name) =>
    words.length > 0
      ? usage(`${name.split(' ').at(-1)}: extraneous characters at the end of line`, name)
      : lines(machine)
          .map((line) => `${line}\r\n`)
          .join('');

const usage = (what: string, name: string): string =>
  `${what}\r\nTry "help ${name}" for more information\r\n`;

const done = (act: (machine: QemuMachine) => void): HumanCommand =>
  plain((machine) => {
    act(machine);
    return [];
  });

interface HumanCommandRow {
  /** With `|` between names for the same. */
  readonly names: string;
  readonly args?: string;
  readonly about: string;
  readonly run: HumanCommand;
}

const COMMANDS: readonly HumanCommandRow[] = [
  {
    names: 'info kvm',
    about: 'show KVM information',
    run: plain(({ options: { accelerator } }) => [
      `kvm support: ${accelerator === 'kvm' ? 'enabled' : 'disabled'}`,
    ]),
  },
  {
    names: 'info name',
    about: 'show the current VM name',
    run: plain(({ options: { name } }) => (name === undefined ? [] : [name])),
  },
  { names: 'info sev', about: 'show SEV information', run: plain(sevLines) },
  {
    names: 'info status',
    about: 'show the current VM status (running|paused)',
    run: plain(({ state: { runState } }) => [
      runState === 'running'
        ? 'VM status: running'
        : `VM status: paused${runState === 'paused' ? '' : ` (${runState})`}`,
    ]),
  },
  {
    names: 'info uuid',
    about: 'show the current VM UUID',
    run: plain(({ options: { uuid } }) => [uuid ?? NO_UUID]),
  },
  {
    names: 'info version',
    about: 'show the version of QEMU',
    run: plain(({ options: { release, package: build } }) => [
      `${release.major}.${release.minor}.${release.micro}${build}`,
    ]),
  },
  { names: 'help|?', args: '[cmd]', about: 'show the help', run: help },
  { names: 'stop|s', about: 'stop emulation', run: done((machine) => machine.stop()) },
  { names: 'cont|c', about: 'resume emulation', run: done((machine) => machine.cont()) },
  { names: 'system_reset', about: 'reset the system', run: done((machine) => machine.systemReset()) },
  {
    names: 'system_powerdown',
    about: 'send system power down event',
    run: done((machine) => machine.systemPowerdown()),
  },
  { names: 'quit|q', about: 'quit the emulator', run: done((machine) => machine.quit()) },
  {
    names: 'xp',
    args: '/fmt addr',
    about: "physical memory dump starting at 'addr'",
    run: examine,
  },
  {
    names: 'gpa2hva',
    args: 'addr',
    about: 'print the host virtual address corresponding to a guest physical address',
    run: hostAddress,
  },
];

function sevLines({ sevGuest }: QemuMachine): readonly string[] {
  if (sevGuest === undefined) return ['SEV is not enabled'];
  const { object, state, build, apiMajor, apiMinor } = sevGuest;
  const onUnless = (bit: 'NODBG' | 'NOKS'): string => (hasPolicy(object.policy, bit) ? 'off' : 'on');
  return [
    `handle: ${object.handle}`,
    `state: ${state}`,
    `build: ${build}`,
    `api version: ${apiMajor}.${apiMinor}`,
    `debug: ${onUnless('NODBG')}`,
    `key-sharing: ${onUnless('NOKS')}`,
  ];
}

/** A number, as far as the monitor's expressions are understood here: no sums, no registers. */
function address(words: readonly string[], name: string): bigint | string {
  const [word, ...more] = words;
  if (word === undefined) return usage('unexpected end of expression', name);
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(word)) return usage(`invalid char '${word[0]}' in expression`, name);
  return more.length > 0 ? usage(`${name}: extraneous characters at the end of line`, name) : BigInt(word);
}

/** Host addresses are made up: nobody can follow them. */
const HOST_BASE = 0x7f00_0000_0000n;

function hostAddress({ map }: QemuMachine, words: readonly string[], name: string): string {
  const at = address(words, name);
  if (typeof at === 'string') return at;
  const nowhere = whyNotMemory(map, gpa(at), 1);
  if (nowhere !== undefined) return `${nowhere}\r\n`;
  const region = regionAt(map, at)!; // there is memory
  return `Host virtual address for 0x${at.toString(16)} (${region.name}) is 0x${(HOST_BASE + at).toString(16)}\r\n`;
}

/** Bytes of a unit by its letter. */
const UNITS: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };
/** How a unit of so many bytes is written, and in how many columns (monitor/misc.c: memory_dump). */
const FORMATS: Readonly<Record<string, (value: bigint, size: number) => string>> = {
  x: (value, size) => `0x${value.toString(16).padStart(size * 2, '0')}`,
  o: (value, size) => value.toString(8).padStart(Math.ceil((size * 8) / 3)),
  u: (value, size) => value.toString().padStart([3, 5, 0, 10][size - 1] ?? 20),
  d: (value, size) =>
    BigInt.asIntN(size * 8, value)
      .toString()
      .padStart([5, 6, 0, 11][size - 1] ?? 20),
  c: (value) => printable(Number(value & 0xffn)),
};
const CHARACTERS: ReadonlyMap<number, string> = new Map([
  [0x27, "\\'"],
  [0x5c, '\\\\'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
]);
const printable = (byte: number): string => {
  const plainCharacter =
    byte >= 32 && byte <= 126 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  return `'${CHARACTERS.get(byte) ?? plainCharacter}'`;
};

const COUNT_MAX = 4096;

interface Examination {
  readonly count: number;
  readonly format: string;
  readonly size: number;
}

/** `xp /FORMAT ADDRESS`: what the host sees, which is ciphertext where the guest's memory is private. */
function examine(machine: QemuMachine, words: readonly string[], name: string): string {
  const given = words[0]?.startsWith('/') ? words[0].slice(1) : undefined;
  const how = parseFormat(given ?? '', name);
  if (typeof how === 'string') return how;
  const at = address(given === undefined ? words : words.slice(1), name);
  return typeof at === 'string' ? at : dump(machine, at, how);
}

/** DEVIATION: no disassembly (`i`), and at most COUNT_MAX units. The unit is kept from one command to the next in QEMU. */
function parseFormat(text: string, name: string): Examination | string {
  const [, digits = '', letters = ''] = /^(\d*)(.*)$/s.exec(text) ?? [];
  let format = 'x';
  let size = text === '' ? 4 : 1;
  for (const letter of letters) {
    if (Object.hasOwn(UNITS, letter))
      size = UNITS[letter]!; // its own key
    else if (Object.hasOwn(FORMATS, letter)) format = letter;
    else return usage(`invalid char in format: '${letter}'`, name);
  }
  return {
    count: Math.min(digits === '' ? 1 : Number(digits), COUNT_MAX),
    format,
    size: format === 'c' ? 1 : size,
  };
}

function dump({ map, ports }: QemuMachine, at: bigint, { count, format, size }: Examination): string {
  const rowUnits = format === 'c' || size === 1 ? 8 : 16 / size;
  const lines: string[] = [];
  for (let unit = 0; unit < count; unit += rowUnits) {
    const row = at + BigInt(unit * size);
    const units = Math.min(rowUnits, count - unit);
    const head = `${row.toString(16).padStart(16, '0')}:`;
    if (whyNotMemory(map, gpa(row), units * size) !== undefined) {
      lines.push(`${head} Cannot access memory`);
      break;
    }
    const bytes = ports.readGuest(gpa(row), units * size);
    const cells = Array.from(
      { length: units },
      (_, i) => FORMATS[format]!(littleEndian(bytes.subarray(i * size, (i + 1) * size)), size), // the parser knows its formats
    );
    lines.push(`${head} ${cells.join(' ')}`);
  }
  return lines.map((line) => `${line}\r\n`).join('');
}

const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
