import { type MachineOptions, QEMU_RELEASES, type QemuRelease } from './machine-options.ts';
import { parseObjectOption } from './object-option.ts';
import {
  type OptionValues,
  parseJsonOption,
  parseNumber,
  parseOption,
  parseSize,
  splitAtCommas,
  UsageError,
} from './option-text.ts';
import type { SevObject } from './sev-object.ts';

/** Where something listens or is written to. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'fd'; readonly fd: number }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdio' }
  | { readonly kind: 'null' };

export interface Chardev {
  readonly label: string;
  readonly endpoint: Endpoint;
  /** What QEMU calls it, as far as it was given. */
  readonly filename: string;
}

/** A command line of QEMU, its files not read yet. */
export interface QemuCommandLine
  extends Pick<
    MachineOptions,
    | 'machine'
    | 'accelerator'
    | 'irqchip'
    | 'memorySize'
    | 'vcpus'
    | 'cpuModel'
    | 'paused'
    | 'preconfig'
    | 'objects'
  > {
  readonly sevGuest?: string;
  readonly name?: string;
  readonly uuid?: string;
  /** Flash unit 0, or -bios. */
  readonly firmwareFile?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append: string;
  readonly monitors: readonly Chardev[];
  /** The first serial port. */
  readonly serial?: Chardev;
  readonly pidFile?: string;
  readonly daemonize: boolean;
  /** Options that are taken and come to nothing here. */
  readonly ignored: readonly string[];
}

const MIB = 1n << 20n;
const DEFAULT_MEMORY = 128n * MIB;

/** Options that are taken for granted, with an argument and without. NOT MODELLED: what they ask for. */
const IGNORED_WITH_ARGUMENT: ReadonlySet<string> = new Set([
  ...[
    'display',
    'vga',
    'device',
    'netdev',
    'net',
    'nic',
    'rtc',
    'boot',
    'sandbox',
    'msg',
    'overcommit',
    'global',
  ],
  ...[
    'audiodev',
    'vnc',
    'spice',
    'fw_cfg',
    'smbios',
    'usbdevice',
    'watchdog-action',
    'D',
    'd',
    'k',
    'runas',
    'iscsi',
    'numa',
    'virtfs',
    'fsdev',
    'parallel',
    'set',
    'action',
    'add-fd',
    'trace',
    'icount',
    'L',
  ],
]);
const IGNORED_ALONE: ReadonlySet<string> = new Set([
  ...['no-user-config', 'no-reboot', 'no-shutdown', 'no-hpet', 'no-acpi', 'usb', 'no-fd-bootchk'],
]);

type Parsed = { -readonly [Field in keyof QemuCommandLine]: QemuCommandLine[Field] };

/** State while options are read: later ones refer to earlier ones, and the other way round. */
interface Reading {
  readonly result: Parsed & {
    readonly objects: SevObject[];
    readonly monitors: Chardev[];
    readonly ignored: string[];
  };
  readonly chardevs: Map<string, Chardev>;
  readonly blockdevs: Map<string, OptionValues>;
  /** Names of chardevs that are monitors, or serial ports. */
  readonly monitorIds: string[];
  readonly serials: string[];
  readonly reader: CommandLineReader;
  pflash: string | undefined;
  /** -nographic, -nodefaults */
  nographic: boolean;
  defaults: boolean;
}

/** Who reads a command line. */
export interface CommandLineReader {
  readonly release: QemuRelease;
  /** What becomes of options and objects that are not known: they may be left to somebody else. */
  readonly others: 'refused' | 'ignored';
}

/** Reads QEMU's arguments, the program's name left out. Throws UsageError. */
export function parseCommandLine(
  arguments_: readonly string[],
  reader: CommandLineReader = { release: QEMU_RELEASES['7.2'], others: 'refused' },
): QemuCommandLine {
  const reading: Reading = {
    result: {
      ...{
        machine: 'pc',
        accelerator: 'kvm',
        irqchip: true,
        memorySize: DEFAULT_MEMORY,
        vcpus: 1,
        cpuModel: 'qemu64',
      },
      ...{
        paused: false,
        preconfig: false,
        objects: [],
        append: '',
        monitors: [],
        daemonize: false,
        ignored: [],
      },
    },
    ...{ chardevs: new Map(), blockdevs: new Map(), monitorIds: [], serials: [], pflash: undefined },
    ...{ nographic: false, defaults: true, reader },
  };
  for (let i = 0; i < arguments_.length; i++) {
    const word = arguments_[i]!; // i is below the length
    const option = word.replace(/^--?/, '');
    if (!word.startsWith('-')) {
      reading.result.ignored.push(word); // a disk image
    } else if (IGNORED_ALONE.has(option)) reading.result.ignored.push(word);
    else if (Object.hasOwn(SWITCHES, option)) SWITCHES[option]!(reading);
    else {
      const take = Object.hasOwn(WITH_ARGUMENT, option) ? WITH_ARGUMENT[option] : undefined;
      if (take === undefined && !IGNORED_WITH_ARGUMENT.has(option)) {
        if (reader.others === 'refused') throw new UsageError(`${word}: invalid option`);
        reading.result.ignored.push(word); // its argument, if it has one, is taken for a disk image
        continue;
      }
      const value = arguments_[++i];
      if (value === undefined) throw new UsageError(`${word}: requires an argument`);
      if (take === undefined) reading.result.ignored.push(`${word} ${value}`);
      else take(reading, value);
    }
  }
  return finish(reading);
}

const SWITCHES: Readonly<Record<string, (reading: Reading) => void>> = {
  S: ({ result }) => {
    result.paused = true;
  },
  preconfig: ({ result }) => {
    result.preconfig = true;
  },
  daemonize: ({ result }) => {
    result.daemonize = true;
  },
  'enable-kvm': ({ result }) => {
    result.accelerator = 'kvm';
  },
  nographic: (reading) => {
    reading.nographic = true;
  },
  nodefaults: (reading) => {
    reading.defaults = false;
  },
};

const WITH_ARGUMENT: Readonly<Record<string, (reading: Reading, value: string) => void>> = {
  name: (reading, value) => {
    const name = firstOf(reading, `-name ${value}`, ['guest', 'process', 'debug-threads']);
    if (name !== undefined) reading.result.name = name;
  },
  uuid: ({ result }, value) => {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
      throw new UsageError('failed to parse UUID string: wrong format');
    result.uuid = value.toLowerCase();
  },
  m: (reading, value) => {
    const size = firstOf(reading, `-m ${value}`, ['size', 'slots', 'maxmem']);
    if (size !== undefined) reading.result.memorySize = parseSize(`-m ${value}`, size, MIB) || DEFAULT_MEMORY;
  },
  smp: (reading, value) => {
    const { result } = reading;
    const cpus = firstOf(reading, `-smp ${value}`, ['cpus', 'maxcpus', ...TOPOLOGY]);
    if (cpus !== undefined) result.vcpus = parseNumber('cpus', cpus);
    if (result.vcpus < 1)
      throw new UsageError('Invalid CPU topology: CPU topology parameters must be greater than zero');
  },
  cpu: ({ result }, value) => {
    result.cpuModel = parseOption(value, 'model').get('model') ?? result.cpuModel;
  },
  accel: ({ result }, value) => takeAccelerator(result, parseOption(value, 'accel').get('accel')),
  machine: takeMachine,
  M: takeMachine,
  object: takeObject,
  drive: (reading, value) => {
    const drive = parseOption(value);
    const unit = drive.get('unit') ?? drive.get('index') ?? '0';
    const file = drive.get('file');
    if (drive.get('if') !== 'pflash') reading.result.ignored.push(`-drive ${value}`);
    else if (unit === '0' && file !== undefined) reading.result.firmwareFile = file; // unit 1 is not measured
  },
  blockdev: (reading, value) => {
    const values = value.startsWith('{') ? parseJsonOption('-blockdev', value) : parseOption(value);
    const name = values.get('node-name');
    if (name !== undefined) reading.blockdevs.set(name, values);
  },
  bios: ({ result }, value) => {
    result.firmwareFile = value;
  },
  kernel: ({ result }, value) => {
    result.kernel = value;
  },
  initrd: ({ result }, value) => {
    result.initrd = value;
  },
  append: ({ result }, value) => {
    result.append = value;
  },
  qmp: ({ result }, value) => {
    result.monitors.push(shortChardev(`compat_monitor${result.monitors.length}`, value));
  },
  'qmp-pretty': () => {
    throw new UsageError('-qmp-pretty: expected -qmp: this QMP server does not indent');
  },
  monitor: ({ result }, value) => {
    if (value !== 'none') result.ignored.push(`-monitor ${value}`);
  },
  chardev: (reading, value) => {
    const chardev = longChardev(parseOption(value, 'backend'));
    reading.chardevs.set(chardev.label, chardev);
  },
  mon: (reading, value) => {
    const mon = parseOption(value, 'chardev');
    if (mon.get('mode') === 'control') reading.monitorIds.push(mon.get('chardev') ?? '');
    else reading.result.ignored.push(`-mon ${value}`);
  },
  serial: (reading, value) => reading.serials.push(value),
  pidfile: ({ result }, value) => {
    result.pidFile = value;
  },
};

const TOPOLOGY = ['sockets', 'dies', 'clusters', 'cores', 'threads'] as const;

/** What an option says of the first of its keys, which may do without its name. Throws UsageError for any other key. */
function firstOf(
  { reader }: Reading,
  option: string,
  keys: readonly [string, ...string[]],
): string | undefined {
  const values = parseOption(option.slice(option.indexOf(' ') + 1), keys[0]);
  const other = [...values.keys()].find((key) => !keys.includes(key));
  if (other !== undefined && reader.others === 'refused')
    throw new UsageError(`${option}: Invalid parameter '${other}'`);
  return values.get(keys[0]);
}

function takeAccelerator(result: Parsed, names: string | undefined): void {
  for (const name of names?.split(':') ?? []) {
    if (name !== 'kvm' && name !== 'tcg') throw new UsageError(`invalid accelerator ${name}`);
  }
  if (names !== undefined) result.accelerator = names.startsWith('tcg') ? 'tcg' : 'kvm';
}

const MACHINES: readonly (readonly [RegExp, QemuCommandLine['machine']])[] = [
  [/^(q35|pc-q35-[\d.]+)$/, 'q35'],
  [/^(pc|pc-i440fx-[\d.]+)$/, 'pc'],
  [/^none$/, 'none'],
];

function takeMachine(reading: Reading, value: string): void {
  const { result } = reading;
  const values = parseOption(value, 'type');
  const type = values.get('type');
  const known = type === undefined ? result.machine : MACHINES.find(([pattern]) => pattern.test(type))?.[1];
  if (known === undefined)
    throw new UsageError('unsupported machine type\nUse -machine help to list supported machines');
  result.machine = known;
  takeAccelerator(result, values.get('accel'));
  if (values.get('kernel-irqchip') === 'off') result.irqchip = false;
  const guest = values.get('confidential-guest-support') ?? values.get('memory-encryption');
  if (guest !== undefined) result.sevGuest = guest;
  reading.pflash = values.get('pflash0') ?? reading.pflash;
}

function takeObject({ result, reader }: Reading, text: string): void {
  const object = parseObjectOption(text, reader);
  if (object === undefined) result.ignored.push(`-object ${text}`);
  else result.objects.push(object);
}

/**
 * `unix:PATH,server=on`, `tcp:HOST:PORT,server=on`, `stdio`, `mon:stdio`, `file:PATH`, `null`. NOT MODELLED: `wait=on`;
 * the monitor for people that `mon:` adds. Throws UsageError.
 */
function shortChardev(label: string, text: string): Chardev {
  const [target = '', ...rest] = splitAtCommas(text);
  const server = ['server', 'server=on'].some((word) => rest.includes(word));
  const [, kind, where = ''] = /^([a-z]+):?(.*)$/s.exec(target.replace(/^mon:/, '')) ?? [];
  const endpoint = endpointOf(kind, where);
  if (endpoint === undefined)
    throw new UsageError(`${text}: expected unix:PATH, tcp:HOST:PORT, stdio, file:PATH or null`);
  if ((endpoint.kind === 'unix' || endpoint.kind === 'tcp') && !server)
    throw new UsageError(`${text}: expected ,server=on behind it: this VMM connects to nobody`);
  const shown = server ? `${target},server=on` : target;
  return { label, endpoint, filename: endpoint.kind === 'tcp' ? `disconnected:${shown}` : shown };
}

function endpointOf(kind: string | undefined, where: string): Endpoint | undefined {
  if (kind === 'unix') return { kind, path: where };
  if (kind === 'file') return { kind, path: where };
  if (kind === 'stdio' || kind === 'null') return { kind };
  if (kind !== 'tcp' && kind !== 'telnet') return undefined;
  const [, host = '', port] = /^(.*):(\d+)$/.exec(where) ?? [];
  return port === undefined
    ? undefined
    : { kind: 'tcp', host: host === '' ? '127.0.0.1' : host, port: Number(port) };
}

/** `socket,id=ID,path=PATH,server=on`, with fd=N as libvirt has it. Throws UsageError. */
function longChardev(values: OptionValues): Chardev {
  const label = values.get('id');
  if (label === undefined) throw new UsageError("Parameter 'id' is missing");
  const [backend = '', path, fd] = ['backend', 'path', 'fd'].map((key) => values.get(key));
  const endpoint = backend === 'socket' ? socketOf(values, { path, fd }) : endpointOf(backend, path ?? '');
  if (endpoint === undefined) return { label, endpoint: { kind: 'null' }, filename: backend };
  if (endpoint.kind === 'unix' && values.get('server') !== 'on')
    throw new UsageError(`-chardev ${label}: expected server=on: this VMM connects to nobody`);
  const filename = endpoint.kind === 'unix' ? `unix:${endpoint.path},server=on` : endpoint.kind;
  return { label, endpoint, filename };
}

function socketOf(
  values: OptionValues,
  { path, fd }: { readonly path: string | undefined; readonly fd: string | undefined },
): Endpoint | undefined {
  if (fd !== undefined) return { kind: 'fd', fd: parseNumber('fd', fd) };
  if (path !== undefined) return { kind: 'unix', path };
  const tcp = endpointOf('tcp', `${values.get('host') ?? ''}:${values.get('port') ?? ''}`);
  if (tcp === undefined) throw new UsageError('-chardev socket: expected fd, path, or host and port');
  return tcp;
}

function finish(reading: Reading): QemuCommandLine {
  const { result, chardevs, blockdevs, monitorIds, pflash } = reading;
  const flash = pflash === undefined ? undefined : fileBehind(blockdevs, pflash);
  if (flash !== undefined) result.firmwareFile = flash;
  const named = (option: string, id: string): Chardev => {
    const chardev = chardevs.get(id);
    if (chardev === undefined) throw new UsageError(`${option}: chardev "${id}" not found`);
    return chardev;
  };
  for (const id of monitorIds) result.monitors.push(named(`-mon chardev=${id},mode=control`, id));
  const { machine, vcpus } = result;
  const most = MOST_VCPUS[machine];
  if (vcpus > most)
    throw new UsageError(
      `Invalid SMP CPUs ${vcpus}. The max CPUs supported by machine '${machine}' is ${most}`,
    );
  if (result.kernel === undefined && result.append !== '')
    throw new UsageError('-append only allowed with -kernel option');
  if (result.kernel === undefined && result.initrd !== undefined)
    throw new UsageError('-initrd only allowed with -kernel option');
  const serial = firstSerial(reading, named);
  if (serial !== undefined) result.serial = serial;
  const onStdio = [...result.monitors, ...(serial ? [serial] : [])].filter(
    ({ endpoint }) => endpoint.kind === 'stdio',
  );
  if (onStdio.length > 1) throw new UsageError('cannot use stdio by multiple character devices');
  if (onStdio.length > 0 && result.daemonize)
    throw new UsageError('standard input and output cannot be used with -daemonize');
  if (result.sevGuest !== undefined && !result.objects.some(({ id }) => id === result.sevGuest))
    throw new UsageError(`invalid link to object '${result.sevGuest}': there is no sev-guest of that id`);
  return result;
}

/** hw/i386/pc_q35.c, hw/i386/pc.c and hw/core/null-machine.c: max_cpus. */
const MOST_VCPUS: Readonly<Record<QemuCommandLine['machine'], number>> = { q35: 288, pc: 255, none: 1 };

/** -nographic puts the serial port on standard input and output, unless something else is said of it. */
function firstSerial(
  { serials, nographic, defaults, result }: Reading,
  named: (option: string, id: string) => Chardev,
): Chardev | undefined {
  const [first, ...more] = serials.length === 0 && nographic && defaults ? ['mon:stdio'] : serials;
  result.ignored.push(...more.map((each) => `-serial ${each}`));
  if (first === undefined || first === 'none') return undefined;
  const id = /^chardev:(.*)$/s.exec(first)?.[1];
  return id === undefined ? shortChardev('serial0', first) : named(`-serial ${first}`, id);
}

/** The file under a block device, through formats and the like. */
function fileBehind(blockdevs: Reading['blockdevs'], name: string): string | undefined {
  const seen = new Set<string>();
  for (let node: string | undefined = name; node !== undefined && !seen.has(node); ) {
    seen.add(node);
    const device = blockdevs.get(node);
    const file = device?.get('filename');
    if (file !== undefined) return file;
    node = device?.get('file');
  }
  return undefined;
}
