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
import { type StartedPlatform, startFreshPlatform, startKeptPlatform } from '../emulated-platform.ts';
import { prepareRealMachine } from '../real-qemu/prepare-real-machine.ts';
import { systemReason } from '../system-reason.ts';
import { type RecordedRun, traceText } from '../trace-file.ts';
import { VERSION } from '../version.ts';
import { EndpointBusy } from '../vmm/endpoint.ts';
import { remarkText } from '../vmm/remark-text.ts';
import { FILES, VmmProcess } from '../vmm/vmm-process.ts';
import { CommandError, EXIT } from './exit.ts';
import { entropySource, expectChipOf, storeAt, withStore } from './kept-platform.ts';
import { say, writeOutput } from './output.ts';
import { PREDICTABLE } from './seed.ts';
import { describesMachine, inWordsOfQemu, type VmmOptions } from './vmm-words.ts';
/** QEMU's words, our own options among them, and what they say. */
export interface Asked {
  readonly words: readonly string[];
  readonly line: QemuCommandLine;
}

/** What somebody typed. Throws UsageError and CommandError. */
export function readWords(rest: readonly string[], options: VmmOptions): Asked {
  const words = [...inWordsOfQemu(options), ...rest];
  const others = options.realQemu ? 'ignored' : 'refused';
  const line = parseCommandLine(words, { release: QEMU_RELEASES[options.qemu], others });
  if (line.monitors.length > 0) return { words, line };
  throw new CommandError(
    EXIT.usage,
    'nobody could reach it; try --qmp PATH, or -qmp unix:PATH,server=on,wait=off behind --',
  );
}

/** Launches the guest and opens its sockets. Throws CommandError, and what told() tells. */
export async function startVmm({ words, line }: Asked, options: VmmOptions): Promise<VmmProcess> {
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
export async function told<T>(options: VmmOptions, act: () => Promise<T>): Promise<T> {
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
