import { fillForm } from '@sevlab/codec/message-form';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { ONE_CPU, parseTopology } from './cpu-topology.ts';
import { type MachineOptions, QEMU_RELEASES, type QemuRelease } from './machine-options.ts';
import { MACHINE_PROPERTIES, machineTypeName } from './machine-property-types.ts';
import { parseObjectOption } from './object-option.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
import {
  expectKeys,
  type OptionValues,
  parseJsonOption,
  parseNumber,
  parseOption,
  parseSize,
  parseSwitch,
  splitAtCommas,
  UsageError,
  ValueError,
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
    | 'topology'
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
  /** The option that names it as flash. */
  readonly firmwareOption?: string;
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
  readonly blockdevs: Map<string, { readonly values: OptionValues; readonly option: string }>;
  /** Names of all objects. */
  readonly objectIds: Set<string>;
  /** What -machine refers to. */
  readonly references: Map<string, string>;
  /** Of the machine's type, where one is named. */
  machineVersion: string | undefined;
  /** Whether there is a flash unit 1. */
  secondFlash: boolean;
  /** Whether there is an -accel. */
  accelerator: boolean;
  /** Names of chardevs that are monitors, or serial ports. */
  readonly monitorIds: string[];
  readonly serials: string[];
  readonly reader: CommandLineReader;
  pflash: string | undefined;
  smp: OptionValues | undefined;
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
        topology: ONE_CPU,
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
    ...{
      chardevs: new Map(),
      blockdevs: new Map(),
      objectIds: new Set(),
      references: new Map(),
      machineVersion: undefined,
      secondFlash: false,
      accelerator: false,
      monitorIds: [],
      serials: [],
      pflash: undefined,
      smp: undefined,
    },
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
        if (reader.others === 'refused')
          throw new UsageError(fillForm(OPTION_MESSAGES['no option'], { option: word }));
        reading.result.ignored.push(word); // its argument, if it has one, is taken for a disk image
        continue;
      }
      const value = arguments_[++i];
      if (value === undefined)
        throw new UsageError(fillForm(OPTION_MESSAGES['no argument'], { option: word }));
      if (take === undefined) reading.result.ignored.push(`${word} ${value}`);
      else withOption(`${word} ${value}`, () => take(reading, value));
    }
  }
  return finish(reading);
}

/** QEMU says which option it is whose value is wrong. */
function withOption(option: string, take: () => void): void {
  try {
    take();
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`${option}: ${error.message}`);
    throw error;
  }
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
  name: ({ result }, value) => {
    const values = parseOption(value, 'guest');
    expectKeys(values, ['guest', 'process', 'debug-threads']);
    const name = values.get('guest');
    if (name !== undefined) result.name = name;
  },
  uuid: ({ result }, value) => {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
      throw new ValueError(OPTION_MESSAGES['bad UUID']);
    result.uuid = value.toLowerCase();
  },
  m: ({ result }, value) => {
    const values = parseOption(value, 'size');
    expectKeys(values, ['size', 'slots', 'maxmem']);
    if (values.has('slots') && !values.has('maxmem')) throw new UsageError(OPTION_MESSAGES['slots alone']);
    const size = parseSize('size', values.get('size') ?? '0', MIB);
    result.memorySize = size === 0n ? DEFAULT_MEMORY : size;
  },
  smp: (reading, value) => {
    reading.smp = parseOption(value, 'cpus');
  },
  cpu: ({ result }, value) => {
    if (value === '') throw new UsageError(OPTION_MESSAGES['empty model']);
    result.cpuModel = parseOption(value, 'model').get('model') ?? result.cpuModel;
  },
  accel: (reading, value) => {
    reading.accelerator = true;
    takeAccelerator(reading.result, parseOption(value, 'accel').get('accel'));
  },
  machine: takeMachine,
  M: takeMachine,
  object: takeObject,
  drive: takeDrive,
  blockdev: (reading, value) => {
    const values = value.startsWith('{') ? parseJsonOption(value) : parseOption(value);
    const name = values.get('node-name');
    if (name !== undefined) reading.blockdevs.set(name, { values, option: `-blockdev ${value}` });
  },
  bios: ({ result }, value) => {
    result.firmwareFile = value;
    delete result.firmwareOption;
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
    expectDriver(value, (name) => `-qmp ${value}: parse error: ${name}`);
    result.monitors.push(shortChardev(`compat_monitor${result.monitors.length}`, value));
  },
  'qmp-pretty': () => {
    throw new UsageError('-qmp-pretty: expected -qmp: this QMP server does not indent');
  },
  monitor: ({ result }, value) => {
    if (value === 'none') return;
    expectDriver(value, (name) => `-monitor ${value}: parse error: ${name}`);
    result.ignored.push(`-monitor ${value}`);
  },
  chardev: (reading, value) => {
    const chardev = longChardev(parseOption(value, 'backend'));
    if (reading.chardevs.has(chardev.label))
      throw new ValueError(fillForm(OPTION_MESSAGES['two of an id'], { id: chardev.label, kind: 'chardev' }));
    reading.chardevs.set(chardev.label, chardev);
  },
  mon: (reading, value) => {
    const mon = parseOption(value, 'chardev');
    const mode = mon.get('mode') ?? 'readline';
    if (mode !== 'control' && mode !== 'readline')
      throw new ValueError(fillForm(QMP_MESSAGES['wrong value'], { name: 'mode', value: mode }));
    if (!mon.has('chardev')) throw new ValueError(fillForm(QMP_MESSAGES.missing, { name: 'chardev' }));
    if (mode === 'control') reading.monitorIds.push(mon.get('chardev')!);
    else reading.result.ignored.push(`-mon ${value}`);
  },
  serial: (reading, value) => reading.serials.push(value),
  pidfile: ({ result }, value) => {
    result.pidFile = value;
  },
};

function takeAccelerator(result: Parsed, names: string | undefined): void {
  for (const name of names?.split(':') ?? []) {
    if (name !== 'kvm' && name !== 'tcg')
      throw new ValueError(fillForm(OPTION_MESSAGES['no accelerator'], { name }));
  }
  if (names !== undefined) result.accelerator = names.startsWith('tcg') ? 'tcg' : 'kvm';
}

const MACHINES: readonly (readonly [RegExp, QemuCommandLine['machine']])[] = [
  [/^(q35|pc-q35-[\d.]+)$/, 'q35'],
  [/^(pc|pc-i440fx-[\d.]+)$/, 'pc'],
  [/^none$/, 'none'],
];

/** Keys of -machine besides the machine's properties. */
const MACHINE_KEYS = [
  'type',
  'accel',
  'kernel-irqchip',
  'kvm-shadow-mem',
  'pflash0',
  'pflash1',
  'memory-backend',
];
const REFERENCES = ['confidential-guest-support', 'memory-encryption', 'memory-backend'];

function takeMachine(reading: Reading, value: string): void {
  const { result } = reading;
  const values = new Map(
    [...parseOption(value, 'type')].map(([key, each]) => [key.replaceAll('_', '-'), each]),
  );
  const type = values.get('type') || undefined;
  const known = type === undefined ? result.machine : MACHINES.find(([pattern]) => pattern.test(type))?.[1];
  if (known === undefined)
    throw new UsageError(`${OPTION_MESSAGES['no machine']}\nUse -machine help to list supported machines`);
  result.machine = known;
  reading.machineVersion = /\d+\.\d+$/.exec(type ?? '')?.[0] ?? reading.machineVersion;
  for (const [key, each] of values) {
    const kind = MACHINE_PROPERTIES.get(key);
    if (kind === undefined && !MACHINE_KEYS.includes(key) && reading.reader.others === 'refused')
      throw new UsageError(
        fillForm(QMP_MESSAGES['no property'], { type: machineNameOf(reading), name: key }),
      );
    if (kind === 'bool') asUsage(() => parseSwitch(key, each));
    if (REFERENCES.includes(key)) reading.references.set(key, each);
  }
  const accelerator = values.get('accel');
  if (accelerator !== undefined) reading.references.set('accel', accelerator);
  if (values.get('kernel-irqchip') === 'off') result.irqchip = false;
  const guest = values.get('confidential-guest-support') ?? values.get('memory-encryption');
  if (guest !== undefined) result.sevGuest = guest;
  reading.pflash = values.get('pflash0') ?? reading.pflash;
}

/** The name of the machine's type; without a version, that of the release. */
const machineNameOf = ({ result, reader: { release }, machineVersion }: Reading): string =>
  machineTypeName(result.machine, machineVersion ?? `${release.major}.${release.minor}`);

/** Where QEMU does not say which option it was. */
function asUsage(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(error.message);
    throw error;
  }
}

const DEFAULT_RAM = 'pc.ram';

function takeObject({ result, objectIds, reader }: Reading, text: string): void {
  const object = parseObjectOption(text, reader);
  const id = object?.id ?? (text.startsWith('{') ? parseJsonOption(text) : parseOption(text)).get('id');
  if (id === undefined) throw new ValueError(fillForm(QMP_MESSAGES.missing, { name: 'id' }));
  if (objectIds.has(id))
    throw new ValueError(fillForm(OPTION_MESSAGES['two of an id'], { id, kind: 'object' }));
  objectIds.add(id);
  if (object) result.objects.push(object);
  else result.ignored.push(`-object ${text}`);
}

const BUSES = ['ide', 'scsi', 'floppy', 'pflash', 'mtd', 'sd', 'virtio', 'xen', 'none'];

/** Flash unit 0 is the firmware; unit 1 is not measured. */
function takeDrive(reading: Reading, text: string): void {
  const drive = parseOption(text);
  const bus = drive.get('if') ?? 'ide';
  if (!BUSES.includes(bus)) throw new ValueError(fillForm(OPTION_MESSAGES['no bus'], { bus }));
  const unit = parseNumber('unit', drive.get('unit') ?? drive.get('index') ?? '0');
  const file = drive.get('file');
  if (bus !== 'pflash') {
    reading.result.ignored.push(`-drive ${text}`);
    return;
  }
  if (unit > 1) throw new ValueError(fillForm(OPTION_MESSAGES['many flashes'], { unit }));
  if (unit === 1) reading.secondFlash = true;
  if (unit === 1 || file === undefined) return;
  if (reading.result.firmwareOption !== undefined) throw new ValueError(OPTION_MESSAGES['two flashes']);
  Object.assign(reading.result, { firmwareFile: file, firmwareOption: `-drive ${text}` });
}

const DRIVERS = [
  ...['null', 'socket', 'udp', 'ringbuf', 'memory', 'file', 'pipe', 'pty', 'stdio', 'vc', 'parallel', 'tty'],
  ...[
    'serial',
    'spicevmc',
    'spiceport',
    'braille',
    'msmouse',
    'testdev',
    'wctablet',
    'mux',
    'console',
    'none',
  ],
  ...['tcp', 'telnet', 'tn3270', 'websocket', 'unix', 'mon', 'chardev', 'qemu-vdagent', 'dbus', 'con'],
];

/** The short form starts with a driver's name. `more` is a second line, the program's name left out. Throws ValueError. */
function expectDriver(text: string, more: (name: string) => string): void {
  const [name = ''] = text.split(/[:,]/);
  if (!DRIVERS.includes(name) && !name.startsWith('/dev/'))
    throw new ValueError(
      `${fillForm(OPTION_MESSAGES['no driver'], { text })}\nqemu-system-x86_64: ${more(text)}`,
    );
}

/**
 * `unix:PATH,server=on`, `tcp:HOST:PORT,server=on`, `stdio`, `mon:stdio`, `file:PATH`, `null`. NOT MODELLED: `wait=on`;
 * the monitor for people that `mon:` adds. Throws UsageError.
 */
function shortChardev(label: string, text: string): Chardev {
  const [target = '', ...rest] = splitAtCommas(text);
  const values = parseOption(rest.join(','));
  const server = values.has('server') && parseSwitch('server', values.get('server')!);
  const [, kind, where = ''] = /^([a-z]+):?(.*)$/s.exec(target.replace(/^mon:/, '')) ?? [];
  const endpoint = endpointOf(kind, where);
  if (endpoint === undefined)
    throw kind === 'tcp' || kind === 'telnet'
      ? new ValueError(fillForm(OPTION_MESSAGES['bad chardev'], { text }))
      : new UsageError(`${text}: expected unix:PATH, tcp:HOST:PORT, stdio, file:PATH or null`);
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
  if (label === undefined) throw new ValueError(OPTION_MESSAGES['no chardev id']);
  if (!values.has('backend')) throw new ValueError(fillForm(OPTION_MESSAGES['no backend'], { id: label }));
  const [backend = '', path, fd] = ['backend', 'path', 'fd'].map((key) => values.get(key));
  if (!DRIVERS.includes(backend))
    throw new ValueError(`${fillForm(OPTION_MESSAGES['no driver'], { text: backend })} name`);
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
  return endpointOf('tcp', `${values.get('host') ?? ''}:${values.get('port') ?? ''}`);
}

function finish(reading: Reading): QemuCommandLine {
  const { result, chardevs, blockdevs, monitorIds, pflash, smp } = reading;
  if (smp !== undefined) {
    const { accelerator, irqchip } = result;
    result.topology = parseTopology(
      smp,
      machineNameOf(reading).replace(/-machine$/, ''),
      accelerator === 'kvm' && irqchip,
    );
    result.vcpus = result.topology.cpus;
  }
  const flash = pflash === undefined ? undefined : fileBehind(blockdevs, pflash);
  if (pflash !== undefined && flash === undefined)
    throw new UsageError(fillForm(OPTION_MESSAGES['no flash'], { id: pflash }));
  if (flash !== undefined) Object.assign(result, { firmwareFile: flash.file, firmwareOption: flash.option });
  const named = (complaint: string, id: string): Chardev => {
    const chardev = chardevs.get(id);
    if (chardev === undefined) throw new UsageError(complaint);
    return chardev;
  };
  for (const id of monitorIds)
    result.monitors.push(
      named(`-mon chardev=${id},mode=control: ${fillForm(OPTION_MESSAGES['no chardev'], { id })}`, id),
    );
  const serial = firstSerial(reading, named);
  if (serial !== undefined) result.serial = serial;
  const onStdio = [...result.monitors, ...(serial ? [serial] : [])].filter(
    ({ endpoint }) => endpoint.kind === 'stdio',
  );
  if (onStdio.length > 1) throw new UsageError(OPTION_MESSAGES['stdio twice']);
  if (onStdio.length > 0 && result.daemonize)
    throw new UsageError('standard input and output cannot be used with -daemonize');
  if (reading.secondFlash && result.firmwareFile === undefined)
    throw new UsageError(OPTION_MESSAGES['flash 1 alone']);
  expectReferences(reading);
  if (result.sevGuest !== undefined && !result.objects.some(({ id }) => id === result.sevGuest))
    throw new UsageError(`invalid link to object '${result.sevGuest}': there is no sev-guest of that id`);
  return result;
}

/** What -machine refers to must be there. */
function expectReferences({ result, references, objectIds, accelerator }: Reading): void {
  if (accelerator && references.has('accel')) throw new UsageError(OPTION_MESSAGES['two accelerators']);
  asUsage(() => takeAccelerator(result, references.get('accel')));
  const missing = (key: string): string | undefined => {
    const id = references.get(key);
    return id === undefined || objectIds.has(id) ? undefined : id;
  };
  if (objectIds.has(DEFAULT_RAM) && references.get('memory-backend') !== DEFAULT_RAM)
    throw new UsageError(
      `${fillForm(OPTION_MESSAGES['reserved id'], { id: DEFAULT_RAM })}, it can't be used for any other purposes. ` +
        "Change the object's 'id' to something else",
    );
  const ram = missing('memory-backend');
  if (ram !== undefined) throw new UsageError(fillForm(OPTION_MESSAGES['no memory'], { id: ram }));
  const guest = missing('confidential-guest-support');
  if (guest !== undefined) throw new UsageError(fillForm(QMP_MESSAGES['no such object'], { path: guest }));
  const encryption = missing('memory-encryption');
  if (encryption !== undefined)
    throw new UsageError(fillForm(OPTION_MESSAGES['no encryption'], { id: encryption }));
  if (result.kernel !== undefined) return;
  if (result.append !== '')
    throw new UsageError(fillForm(OPTION_MESSAGES['kernel missing'], { option: '-append' }));
  if (result.initrd !== undefined)
    throw new UsageError(fillForm(OPTION_MESSAGES['kernel missing'], { option: '-initrd' }));
}

/** -nographic puts the serial port on standard input and output, unless something else is said of it. */
function firstSerial(
  { serials, nographic, defaults, result }: Reading,
  named: (option: string, id: string) => Chardev,
): Chardev | undefined {
  const [first, ...more] = serials.length === 0 && nographic && defaults ? ['mon:stdio'] : serials;
  result.ignored.push(...more.map((each) => `-serial ${each}`));
  if (first === undefined || first === 'none') return undefined;
  const id = /^chardev:(.*)$/s.exec(first)?.[1];
  const noBackend = fillForm(OPTION_MESSAGES['no serial'], { text: first });
  if (id !== undefined) return named(`-serial ${first}: ${noBackend}`, id);
  let chardev: Chardev | undefined;
  withOption(`-serial ${first}`, () => {
    expectDriver(first, () => `-serial ${first}: ${noBackend}`);
    chardev = shortChardev('serial0', first);
  });
  return chardev;
}

/** The file under a block device, through formats and the like, and the option that names it. */
function fileBehind(
  blockdevs: Reading['blockdevs'],
  name: string,
): { readonly file: string; readonly option: string } | undefined {
  const seen = new Set<string>();
  for (let node: string | undefined = name; node !== undefined && !seen.has(node); ) {
    seen.add(node);
    const device = blockdevs.get(node);
    const file = device?.values.get('filename');
    if (device !== undefined && file !== undefined) return { file, option: device.option };
    node = device?.values.get('file');
  }
  return undefined;
}
