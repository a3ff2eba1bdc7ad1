import { gpa } from '@sevlab/codec/address';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { memorySizeOf, regionAt, whyNotMemory } from '../qemu/memory-map.ts';
import { NO_UUID, type QemuMachine, whyNoSgx } from '../qemu/qemu-machine.ts';
import { type Save, saveMemory, saveVirtualMemory } from '../qemu/save-memory.ts';
import { type CpuSlot, cpuSlots, FIRST_THREAD, vcpus } from '../qemu/vcpus.ts';
import { HumanError, HumanLine } from './human-line.ts';
import { dumpMemory, printNumber } from './memory-dump.ts';
import { QmpError } from './qmp-error.ts';

/** What QEMU's monitor for people answers to a line, with `\r\n` behind each line (7.2, monitor/hmp-cmds.c). */
export const humanMonitor = (machine: QemuMachine, commandLine: string): string =>
  answerTo(machine, commandLine).replaceAll('\n', '\r\n');

function answerTo(machine: QemuMachine, commandLine: string): string {
  const line = new HumanLine(commandLine);
  line.skipBlanks();
  if (line.atEnd) return '';
  const row = findCommand(line);
  if (row === undefined) return unknown(line.read);
  const typed = line.read;
  try {
    return row.run(machine, line, row.names);
  } catch (error) {
    if (error instanceof QmpError) return `Error: ${error.message}\n`;
    if (!(error instanceof HumanError)) throw error;
    return `${error.message}\nTry "help ${typed}" for more information\n`;
  }
}

/** `info` goes with the name behind it. */
function findCommand(line: HumanLine): HumanCommandRow | undefined {
  const name = line.name();
  if (name !== 'info' || line.atEnd) return find(COMMANDS, name);
  const what = line.name();
  return what === '' && line.atEnd ? find(COMMANDS, name) : find(INFO, what);
}

const find = (rows: readonly HumanCommandRow[], name: string): HumanCommandRow | undefined =>
  rows.find(({ names }) => names.split('|').includes(name));

const unknown = (name: string): string => `unknown command: '${name}'\n`;

/** DEVIATION: without a name, those that there are here. */
function help(_: QemuMachine, line: HumanLine): string {
  const name = line.word();
  if (name === undefined) return line.atEnd ? about(COMMANDS) : '';
  if (name !== 'info') return aboutOne(COMMANDS, name);
  const what = line.word();
  return what === undefined ? about(INFO, 'info ') : aboutOne(INFO, what, 'info ');
}

function aboutOne(rows: readonly HumanCommandRow[], name: string, prefix = ''): string {
  const row = find(rows, name);
  return row ? about([row], prefix) : unknown(prefix + name);
}

const about = (rows: readonly HumanCommandRow[], prefix = ''): string =>
  rows.map((row) => `${prefix}${row.names} ${row.args ?? ''} -- ${row.about}\n`).join('');

/** Reads what is behind its name, and answers. Throws HumanError, and QmpError where it fails. */
type HumanCommand = (machine: QemuMachine, line: HumanLine, names: string) => string;

/** A command without arguments; its lines. */
const plain =
  (lines: (machine: QemuMachine) => readonly string[]): HumanCommand =>
  (machine, line, names) => {
    line.end(names);
    return lines(machine)
      .map((each) => `${each}\n`)
      .join('');
  };

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

/** Behind `info`. */
const INFO: readonly HumanCommandRow[] = [
  {
    names: 'balloon',
    about: 'show balloon information',
    run: plain(() => ['Error: No balloon device has been activated']),
  },
  {
    names: 'chardev',
    about: 'show the character devices',
    run: plain(({ options }) =>
      options.chardevs.map(({ label, filename }) => `${label}: filename=${filename}`),
    ),
  },
  {
    names: 'cpus',
    about: 'show infos for each CPU',
    run: plain((machine) =>
      vcpus(machine).map(
        (vcpu) =>
          `${vcpu === machine.state.currentCpu ? '*' : ' '} CPU #${vcpu}: thread_id=${FIRST_THREAD + vcpu}`,
      ),
    ),
  },
  { names: 'dump', about: 'Display the latest dump status', run: plain(() => ['Status: none']) },
  { names: 'history', about: 'show the command line history', run: plain(() => []) },
  {
    names: 'hotpluggable-cpus',
    about: 'Show information about hotpluggable CPUs',
    run: plain((machine) => ['Hotpluggable CPUs:', ...cpuSlots(machine).flatMap(slotLines)]),
  },
  {
    names: 'iothreads',
    about: 'show iothreads',
    run: done(({ state }) => {
      state.objectsSought = true;
    }),
  },
  {
    names: 'kvm',
    about: 'show KVM information',
    run: plain(({ options: { accelerator } }) => [
      `kvm support: ${accelerator === 'kvm' ? 'enabled' : 'disabled'}`,
    ]),
  },
  { names: 'memdev', about: 'show memory backends', run: plain(memoryBackends) },
  { names: 'memory-devices', about: 'show memory devices', run: plain(() => []) },
  {
    names: 'memory_size_summary',
    about: 'show the amount of initially allocated and present hotpluggable (if enabled) memory in bytes.',
    run: plain(({ options }) => [`base memory: ${memorySizeOf(options)}`, 'plugged memory: 0']),
  },
  {
    names: 'name',
    about: 'show the current VM name',
    run: plain(({ options: { name } }) => (name === undefined ? [] : [name])),
  },
  { names: 'network', about: 'show the network state', run: plain(() => []) },
  { names: 'numa', about: 'show NUMA information', run: plain(() => ['0 nodes']) },
  { names: 'sev', about: 'show SEV information', run: plain(sevLines) },
  {
    names: 'sgx',
    about: 'show intel SGX information',
    run: plain((machine) => [whyNoSgx(machine)]),
  },
  {
    names: 'snapshots',
    about: 'show the currently saved VM snapshots',
    run: plain(() => ['no block device can store vmstate for snapshot']),
  },
  { names: 'spice', about: 'show the spice server status', run: plain(() => ['Server: disabled']) },
  {
    names: 'status',
    about: 'show the current VM status (running|paused)',
    run: plain(({ state: { runState } }) => [
      runState === 'running'
        ? 'VM status: running'
        : `VM status: paused${runState === 'paused' ? '' : ` (${runState})`}`,
    ]),
  },
  { names: 'usb', about: 'show guest USB devices', run: plain(() => ['Error: USB support not enabled']) },
  {
    names: 'uuid',
    about: 'show the current VM UUID',
    run: plain(({ options: { uuid } }) => [uuid ?? NO_UUID]),
  },
  {
    names: 'version',
    about: 'show the version of QEMU',
    run: plain(({ options: { release, package: build } }) => [
      `${release.major}.${release.minor}.${release.micro}${build}`,
    ]),
  },
  { names: 'vnc', about: 'show the vnc server status', run: plain(() => ['None']) },
];

const COMMANDS: readonly HumanCommandRow[] = [
  { names: 'cont|c', about: 'resume emulation', run: done((machine) => machine.cont()) },
  {
    names: 'cpu',
    args: 'index',
    about: 'set the default CPU',
    run: (machine, line, names) => {
      const index = line.integer(names);
      line.end(names);
      return index < BigInt(vcpus(machine).length) ? '' : 'invalid CPU index\n';
    },
  },
  {
    names: 'gpa2hva',
    args: 'addr',
    about: 'print the host virtual address corresponding to a guest physical address',
    run: hostAddress,
  },
  {
    names: 'gva2gpa',
    args: 'addr',
    about: 'print the guest physical address corresponding to a guest virtual address',
    run: guestAddress,
  },
  { names: 'help|?', args: '[cmd]', about: 'show the help', run: help },
  {
    names: 'info',
    args: '[subcommand]',
    about: 'show various information about the system state',
    run: () => about(INFO, 'info '),
  },
  {
    names: 'memsave',
    args: 'addr size file',
    about: "save to disk virtual memory dump starting at 'addr' of size 'size'",
    run: (machine, line, names) => {
      const save = takeSave(line, names);
      if (vcpus(machine).length === 0) return 'No CPU available\n';
      saveVirtualMemory(machine, { ...save, vcpu: BigInt(machine.state.currentCpu) });
      return '';
    },
  },
  {
    names: 'pmemsave',
    args: 'addr size file',
    about: "save to disk physical memory dump starting at 'addr' of size 'size'",
    run: (machine, line, names) => {
      saveMemory(machine, takeSave(line, names));
      return '';
    },
  },
  {
    names: 'print|p',
    args: '/fmt expr',
    about: 'print expression value (use $reg for CPU register access)',
    run: ({ state: { dumpFormat } }, line, names) => {
      line.format(dumpFormat);
      const value = line.expression();
      line.end(names);
      return `${printNumber(value, dumpFormat)}\n`;
    },
  },
  { names: 'quit|q', about: 'quit the emulator', run: done((machine) => machine.quit()) },
  { names: 'stop|s', about: 'stop emulation', run: done((machine) => machine.stop()) },
  {
    names: 'system_powerdown',
    about: 'send system power down event',
    run: done((machine) => machine.systemPowerdown()),
  },
  { names: 'system_reset', about: 'reset the system', run: done((machine) => machine.systemReset()) },
  {
    names: 'x',
    args: '/fmt addr',
    about: "virtual memory dump starting at 'addr'",
    run: examine, // NOT MODELLED: paging, so addresses are physical ones
  },
  {
    names: 'xp',
    args: '/fmt addr',
    about: "physical memory dump starting at 'addr'",
    run: examine,
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

const slotLines = ({ props, type, path }: CpuSlot): readonly string[] => [
  `  type: "${type}"`,
  '  vcpus_count: "1"',
  ...(path === undefined ? [] : [`  qom_path: "${path}"`]),
  '  CPUInstance Properties:',
  ...Object.entries(props).map(([name, number]) => `    ${name}: "${number}"`),
];

function examine(machine: QemuMachine, line: HumanLine, names: string): string {
  const { dumpFormat } = machine.state;
  const count = line.format(dumpFormat);
  const at = line.expression();
  line.end(names);
  if (names === 'x' && vcpus(machine).length === 0) return 'No CPU available\n';
  return dumpMemory(machine, at, count, dumpFormat);
}

function takeSave(line: HumanLine, names: string): Save {
  const at = BigInt.asUintN(64, line.expression());
  const size = line.integer(names);
  const filename = line.word();
  if (filename === undefined) throw new HumanError(`${names}: string expected`);
  line.end(names);
  return { at, size, filename };
}

/** What QEMU gives a page's number, in bits. */
const ADDRESS_BITS = 52;

/** NOT MODELLED: paging, so an address is the same on both sides. */
function guestAddress(machine: QemuMachine, line: HumanLine, names: string): string {
  const at = BigInt.asUintN(ADDRESS_BITS, line.expression());
  line.end(names);
  if (vcpus(machine).length === 0) return 'No cpu\n';
  return `gpa: ${at === 0n ? '0' : `0x${at.toString(16)}`}\n`;
}

function memoryBackends(machine: QemuMachine): readonly string[] {
  return machine.options.machine === 'none'
    ? ['']
    : [
        'memory backend: pc.ram',
        `  size:  ${machine.options.memorySize}`,
        `  merge: ${machine.options.sevGuest === undefined}`,
        ...['  dump: true', '  prealloc: false', '  share: false', '  reserve: true', '  policy: default'],
        ...['  host nodes: ', ''],
      ];
}

/** Host addresses are made up: nobody can follow them. */
const HOST_BASE = 0x7f00_0000_0000n;

function hostAddress({ map }: QemuMachine, line: HumanLine, names: string): string {
  const at = BigInt.asUintN(64, line.expression());
  line.end(names);
  const nowhere = whyNotMemory(map, gpa(at), 1);
  if (nowhere !== undefined) return `${nowhere}\n`;
  const region = regionAt(map, at)!; // there is memory
  return `Host virtual address for 0x${at.toString(16)} (${region.name}) is 0x${(HOST_BASE + at).toString(16)}\n`;
}
