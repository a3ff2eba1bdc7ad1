import { fillForm } from '@sevlab/codec/message-form';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { fileBehind, takeBlockdev, takeDrive } from './block-options.ts';
import { type Chardev, expectDriver, longChardev, shortChardev } from './chardev.ts';
import {
  type CommandLineReader,
  type QemuCommandLine,
  type Reading,
  withOption,
} from './command-line-reading.ts';
import { ONE_CPU, parseTopology } from './cpu-topology.ts';
import { IGNORED_ALONE, IGNORED_WITH_ARGUMENT } from './ignored-options.ts';
import { expectReferences, machineNameOf, takeAccelerator, takeMachine } from './machine-option.ts';
import { QEMU_RELEASES } from './machine-options.ts';
import { parseObjectOption } from './object-option.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
import {
  expectKeys,
  parseJsonOption,
  parseOption,
  parseSize,
  UsageError,
  ValueError,
} from './option-text.ts';

const MIB = 1n << 20n;
const DEFAULT_MEMORY = 128n * MIB;

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
  blockdev: takeBlockdev,
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
