import { resolve } from 'node:path';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { buildImage } from '@sevlab/firmware-sim/image';
import { isLayoutName, LAYOUTS, type LayoutName } from '@sevlab/firmware-sim/layouts';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { CommandFailed } from '@sevlab/vmm-sim/errors';
import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import type { QemuCommandLine } from '@sevlab/vmm-sim/qemu/command-line-reading';
import { type MachineOptions, QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { UsageError } from '@sevlab/vmm-sim/qemu/option-text';
import { QemuExit } from '@sevlab/vmm-sim/qemu/sev-launch';
import { type Command, Option } from 'commander';
import { type StartedPlatform, startFreshPlatform, startKeptPlatform } from '../emulated-platform.ts';
import { prepareRealMachine } from '../real-qemu/prepare-real-machine.ts';
import { systemReason } from '../system-reason.ts';
import { type RecordedRun, traceText } from '../trace-file.ts';
import { VERSION } from '../version.ts';
import { leaveForeground, runInBackground } from '../vmm/background.ts';
import { EndpointBusy } from '../vmm/endpoint.ts';
import { remarkText } from '../vmm/remark-text.ts';
import { FILES, VmmProcess } from '../vmm/vmm-process.ts';
import { CommandError, EXIT } from './exit.ts';
import { installEmulator } from './install-emulator.ts';
import { DEFAULT_STORE, entropySource, expectChipOf, storeAt, withStore } from './kept-platform.ts';
import { say, writeOutput } from './output.ts';
import { PREDICTABLE } from './seed.ts';

interface VmmOptions {
  readonly qmp: readonly string[];
  readonly console?: string;
  readonly firmware?: string;
  readonly policy?: string;
  readonly dhCertFile?: string;
  readonly sessionFile?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly kernelHashes?: boolean;
  readonly memory?: string;
  readonly linux: string;
  readonly as?: string;
  readonly qemu: keyof typeof QEMU_RELEASES;
  readonly store?: string;
  readonly seed?: string;
  readonly realQemu?: boolean;
  readonly ram?: string;
  readonly lint?: boolean;
  readonly trace?: string;
  readonly reveal?: boolean;
  readonly installEmulator?: string;
  readonly force?: boolean;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** sevlab vmm */
export function addVmm(program: Command): void {
  program
    .command('vmm')
    .description('a launched, paused guest behind QMP, for the clients of QEMU')
    .argument('[arguments...]', "behind --: QEMU's own arguments")
    .option('--qmp <place>', 'where clients come: a path, or tcp:HOST:PORT; may be repeated', collect, [])
    .option(
      '--console <place>',
      "the guest's console: a path, tcp:HOST:PORT, or stdio, where ^A x ends sevlab",
    )
    .option('--firmware <file>', 'the firmware image; default: one that sevlab builds')
    .option('--policy <number>', 'the guest policy; bit 2 makes it SEV-ES (default: 1)')
    .option('--dh-cert-file <file>', "the guest owner's certificate, Base64, as sevctl session writes it")
    .option('--session-file <file>', "the guest owner's session, Base64")
    .option('--kernel <file>', 'what the firmware is given to start')
    .option('--initrd <file>', 'its initrd')
    .option('--append <text>', 'its command line')
    .option('--kernel-hashes', 'measure their hashes')
    .option('--memory <size>', 'such as 512M (default: 512M)')
    .option('--linux <version>', 'the emulated kernel', '6.1')
    .option(
      '--as <layout>',
      `what a firmware image of others does after cont: ${Object.keys(LAYOUTS).join(', ')}`,
    )
    .addOption(
      new Option('--qemu <release>', 'whose QMP it speaks')
        .choices(Object.keys(QEMU_RELEASES))
        .default('7.2'),
    )
    .option('--real-qemu', 'a real QEMU runs what is in the guest, and answers what is not about SEV')
    .option('--ram <file>', "the real guest's RAM; default: a file that goes with it")
    .option('--store <folder>', `where the platform is kept (default: ${DEFAULT_STORE})`)
    .option('--seed <text>', 'a platform with predictable keys; kept only when --store is given')
    .option('--trace <file>', 'write the trace there when it ends, JSON Lines')
    .option('--reveal', 'write secrets, keys and private memory into the trace too')
    .option('--lint', 'say on standard error what QEMU lets pass')
    .option('--install-emulator <file>', 'write a program that is called like QEMU and is this VMM')
    .option('--force', 'overwrite that program')
    .addHelpText(
      'after',
      '\nThe guest owner needs the certificates of the same platform: sevlab platform export.\n' +
        'What the guest does after cont is emulated, and so is all that answers here. With --real-qemu a real QEMU\n' +
        'goes on from there: its guest sees no C-bit, its RAM is plaintext in a file, and a reset ends it.',
    )
    .action(async (rest: string[], options: VmmOptions, command: Command) => {
      const { installEmulator: place, force = false } = options;
      if (place !== undefined) return installEmulator(place, { words: fixedWords(command), force });
      const asked = await told(options, async () => read(rest, options));
      if (asked.line.daemonize) {
        process.exitCode = await runInBackground(withoutDaemonize(process.argv.slice(2)), adopted(rest));
        return;
      }
      const vmm = await told(options, () => start(asked, options));
      for (const [signal, code] of [
        ['SIGHUP', 129],
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const)
        process.once(signal, () => void vmm.close().then(() => process.exit(code)));
      const { runState } = vmm.machine.state;
      const guest = options.realQemu ? 'an emulated launch, a real guest' : 'an emulated guest';
      say(`sevlab vmm: ${guest}, ${runState}; ${vmm.places}`);
      leaveForeground();
      const status = await vmm.ended();
      if (status !== 0) throw new CommandError(EXIT.no, `it ended with status ${status}`);
    });
}

/** Options that a program of --install-emulator may fix; a path among them is made to hold anywhere. */
const FIXED: ReadonlySet<string> = new Set([
  ...['store', 'seed', 'linux', 'as', 'qemu', 'realQemu', 'ram', 'lint', 'trace', 'reveal'],
]);
const PATHS: ReadonlySet<string> = new Set(['store', 'ram', 'trace']);

/** Our own options as they were given. Throws CommandError. */
function fixedWords(command: Command): readonly string[] {
  const given = command.options
    .map((option) => ({ word: option.long ?? option.flags, name: option.attributeName() }))
    .filter(({ name }) => name !== 'installEmulator' && name !== 'force')
    .filter(({ name }) => command.getOptionValueSource(name) === 'cli');
  const other = given.find(({ name }) => !FIXED.has(name));
  if (other !== undefined)
    throw new CommandError(
      EXIT.usage,
      `${other.word}: whoever calls the emulator says that in QEMU's words; expected no such option here`,
    );
  const kept = given.some(({ name }) => name === 'store' || name === 'seed');
  const values: Readonly<Record<string, unknown>> = command.opts();
  return [
    ...(kept ? [] : ['--store', storeAt(undefined).folder]),
    ...given.flatMap(({ word, name }) => {
      const value = values[name];
      if (typeof value !== 'string') return [word];
      return [word, PATHS.has(name) ? resolve(value) : value];
    }),
  ];
}

const withoutDaemonize = (words: readonly string[]): readonly string[] =>
  words.filter((word) => !/^--?daemonize$/.test(word));

/** Descriptors that somebody opened for us. */
const adopted = (words: readonly string[]): readonly number[] =>
  words.flatMap((word) => [...word.matchAll(/\bfd=(\d+)/g)].map(([, fd]) => Number(fd)));

/** QEMU's words, our own options among them, and what they say. */
interface Asked {
  readonly words: readonly string[];
  readonly line: QemuCommandLine;
}

/** Throws UsageError and CommandError. */
function read(rest: readonly string[], options: VmmOptions): Asked {
  const words = [...inWordsOfQemu(options), ...rest];
  const others = options.realQemu ? 'ignored' : 'refused';
  const line = parseCommandLine(words, { release: QEMU_RELEASES[options.qemu], others });
  if (line.monitors.length > 0) return { words, line };
  throw new CommandError(
    EXIT.usage,
    'nobody could reach it; try --qmp PATH, or -qmp unix:PATH,server=on,wait=off behind --',
  );
}

async function start({ words, line }: Asked, options: VmmOptions): Promise<VmmProcess> {
  const { lint = false, as, ram } = options;
  const tell = (text: string): void => say(`sevlab vmm: ${text}`);
  const software = { linux: linuxNamed(options.linux), ...(as !== undefined && { as: layoutNamed(as) }) };
  const platform = startPlatform(line, options);
  const machine = machineOptions(line, options);
  if (options.trace !== undefined) {
    const { firmware: image, directBoot } = machine;
    const setup = {
      ...{ seed: options.seed ?? '' },
      ...(image && { image }),
      ...(directBoot && { directBoot }),
    };
    keepTrace(options.trace, { setup, observer: platform.observer }, options.reveal ?? false);
  }
  const real = options.realQemu ? prepareRealMachine(words, line, { machine, ram }) : undefined;
  if (lint && real === undefined && line.ignored.length > 0)
    tell(remarkText({ kind: 'ignored options', options: line.ignored }));
  const vmm = new VmmProcess({
    ...{ platform, options: machine, software, lint, say: tell },
    ...(real && { real }),
    monitors: line.monitors.map(({ endpoint }) => endpoint),
    ...(line.serial && real === undefined && { serial: line.serial.endpoint }),
    ...(line.pidFile !== undefined && { pidFile: line.pidFile }),
  });
  await vmm.listen();
  return vmm;
}

/** Writes the trace when the process ends, however that comes. Throws CommandError for a place that cannot be written. */
function keepTrace(path: string, run: RecordedRun, reveal: boolean): void {
  const write = (): void => writeOutput(path, traceText(run, { command: 'vmm', scenario: '', reveal }));
  write();
  process.once('exit', () => {
    try {
      write();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      say(`sevlab vmm: ${error.message}`);
      process.exitCode = error.exitCode;
    }
  });
}

const QEMU = 'qemu-system-x86_64';

/** What goes wrong at the start, told to the person; as QEMU tells it where only QEMU's words were given. Throws CommandError. */
async function told<T>(options: VmmOptions, act: () => Promise<T>): Promise<T> {
  const ours = describesMachine(options);
  try {
    return await act();
  } catch (error) {
    if (error instanceof UsageError)
      throw ours
        ? new CommandError(EXIT.usage, error.message)
        : new CommandError(EXIT.no, error.message, error.program);
    if (error instanceof EndpointBusy)
      throw new CommandError(EXIT.state, `${error.message}; try another place`);
    if (error instanceof CommandFailed) throw new CommandError(EXIT.state, error.message);
    if (error instanceof QemuExit) {
      const text = error.lines.map((each) => `${QEMU}: ${each}`).join('\n');
      throw ours
        ? new CommandError(EXIT.no, text)
        : new CommandError(EXIT.no, text.slice(QEMU.length + 2), QEMU);
    }
    if (error instanceof Error && 'syscall' in error)
      throw new CommandError(
        EXIT.usage,
        `${systemReason(error)}; expected a place where a socket can be made`,
      );
    throw error;
  }
}

/** Our own options, as QEMU has them. */
function inWordsOfQemu(options: VmmOptions): readonly string[] {
  const value = (text: string): string => text.replaceAll(',', ',,');
  const property = (name: string, text: string | undefined): string =>
    text === undefined ? '' : `,${name}=${value(text)}`;
  const given = (option: string, text: string | undefined): readonly string[] =>
    text === undefined ? [] : [option, text];
  const serial = options.console === undefined ? [] : ['-serial', endpointText(options.console)];
  if (!describesMachine(options)) return serial;
  const object =
    `sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=6${property('policy', options.policy)}` +
    property('dh-cert-file', options.dhCertFile) +
    property('session-file', options.sessionFile) +
    (options.kernelHashes ? ',kernel-hashes=on' : '');
  return [
    ...['-machine', 'q35,confidential-guest-support=sev0', '-object', object],
    ...['-S', '-m', options.memory ?? '512M'],
    ...(options.firmware === undefined
      ? []
      : ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${value(options.firmware)}`]),
    ...(options.realQemu ? ['-nodefaults', '-no-user-config', '-display', 'none'] : []),
    ...given('-kernel', options.kernel),
    ...given('-initrd', options.initrd),
    ...given('-append', options.append),
    ...options.qmp.flatMap((place) => ['-qmp', endpointText(place)]),
    ...serial,
  ];
}

/** Whether our own options tell of a machine; otherwise QEMU's do. */
const describesMachine = (options: VmmOptions): boolean =>
  [
    ...options.qmp,
    ...[options.firmware, options.policy, options.dhCertFile, options.sessionFile, options.kernel],
    ...[options.initrd, options.append, options.kernelHashes, options.memory],
  ].some((given) => given !== undefined);

/** A place as QEMU has it: a path is that of a socket. */
function endpointText(place: string): string {
  if (place === 'stdio') return place;
  return `${/^(tcp|unix):/.test(place) ? place : `unix:${place.replaceAll(',', ',,')}`},server=on,wait=off`;
}

function machineOptions(line: QemuCommandLine, { qemu }: VmmOptions): MachineOptions {
  const build = { release: QEMU_RELEASES[qemu], package: `sevlab ${VERSION}, simulated` };
  const options = readOptions(line, build, FILES);
  if (options.firmware !== undefined || options.machine === 'none') return options;
  return { ...options, firmware: buildImage({ layout: '202405' }) };
}

function startPlatform(line: QemuCommandLine, { store: folder, seed, trace }: VmmOptions): StartedPlatform {
  const policy = line.objects.find(({ id }) => id === line.sevGuest)?.policy ?? 0;
  const use = { es: hasPolicy(policy, 'ES'), record: trace !== undefined };
  const entropy = entropySource(seed);
  if (seed !== undefined) say(`sevlab vmm: ${PREDICTABLE}`);
  if (seed !== undefined && folder === undefined) return startFreshPlatform(entropy, use);
  const store = storeAt(folder);
  return withStore(store, () => {
    expectChipOf(store, seed);
    return startKeptPlatform(store, entropy, use);
  });
}

function linuxNamed(name: string): string {
  try {
    return kernelProfile(name).name;
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, `--linux: ${error.message}`);
    throw error;
  }
}

/** `202405`, or `amdsev-202405`. Throws CommandError. */
function layoutNamed(name: string): LayoutName {
  const layout = name.replace(/^amdsev-/, '');
  if (isLayoutName(layout)) return layout;
  throw new CommandError(
    EXIT.usage,
    `--as: no layout '${name}'; expected one of ${Object.keys(LAYOUTS).join(', ')}`,
  );
}
