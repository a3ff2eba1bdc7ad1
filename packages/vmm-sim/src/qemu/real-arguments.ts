import { optionValue, parseJsonOption, parseOption, UsageError, withoutKeys } from './option-text.ts';

/** What a real QEMU is given in place of what the emulated machine does itself. */
export interface RealParts {
  /** Where its QMP is to listen: a path. */
  readonly monitorPath: string;
  /** Whether KVM can be used; otherwise TCG takes its place. */
  readonly kvm: boolean;
  /** For a guest that the emulated machine launches, which also gives firmware what is to be started. */
  readonly launched?: LaunchedGuest;
}

export interface LaunchedGuest {
  /** The file with its RAM, unless the arguments name one that is shared. */
  readonly memoryPath: string;
  /** Bytes. */
  readonly memorySize: bigint;
}

export interface RealArguments {
  readonly arguments: readonly string[];
  /** The file that is a launched guest's RAM. */
  readonly memoryPath: string | undefined;
  /** File descriptors that the arguments name, and that the real QEMU must inherit. */
  readonly descriptors: readonly number[];
  /** What was put in the place of something else, in words. */
  readonly remarks: readonly string[];
}

/** What the emulated machine does itself: options without an argument, and with one. */
const OURS_ALONE: ReadonlySet<string> = new Set(['S', 'daemonize']);
const OURS_WITH_ARGUMENT: ReadonlySet<string> = new Set(['qmp', 'pidfile']);
const DIRECT_BOOT: ReadonlySet<string> = new Set(['kernel', 'initrd', 'append']);
const GUEST_KEYS: ReadonlySet<string> = new Set(['confidential-guest-support', 'memory-encryption']);
const MEMORY_ID = 'sevlab-ram';

/**
 * QEMU's arguments for a guest that is launched elsewhere: no SEV, no direct boot, a monitor that is ours, RAM in a file
 * that others can write, and not started. NOT MODELLED: a reset of a guest that a real processor runs; QEMU ends, since
 * there is nobody to launch it again. Throws UsageError for what cannot be had so.
 */
export function realArguments(given: readonly string[], parts: RealParts): RealArguments {
  const { kvm, launched } = parts;
  const options = [...optionsIn(given)];
  const monitors = new Set(options.flatMap(controlMonitorOf));
  const backend = options.flatMap(memoryBackendOf)[0];
  const remarks: string[] = [];
  let memoryPath = launched?.memoryPath;
  const translate = ({ word, name, value }: GivenOption): readonly string[] => {
    if (value === undefined) {
      if (OURS_ALONE.has(name)) return [];
      if (name === 'enable-kvm' && !kvm) return accelerator(remarks);
      if (name === 'preconfig')
        throw new UsageError(`${word}: a real QEMU behind the emulated one has no such state`);
      return [word];
    }
    if (OURS_WITH_ARGUMENT.has(name) || (launched && DIRECT_BOOT.has(name))) return [];
    if (name === 'mon' && isControl(value)) return [];
    if (name === 'chardev')
      return monitors.has(parseOption(value, 'backend').get('id') ?? '') ? [] : [word, value];
    if (name === 'machine' || name === 'M') return [word, machineValue(value, kvm, remarks)];
    if (name === 'accel' && /^kvm\b(?!:)/.test(value) && !kvm) return accelerator(remarks);
    if (name === 'cpu' && /^host\b/.test(value) && !kvm) {
      remarks.push('-cpu host needs KVM, which is not usable here: max takes its place');
      return [word, value.replace(/^host/, 'max')];
    }
    if (name !== 'object') return [word, value];
    const object = value.startsWith('{') ? parseJsonOption(value) : parseOption(value, 'qom-type');
    const type = object.get('qom-type') ?? '';
    if (type === 'sev-guest') return [];
    const id = object.get('id');
    if (!launched || !type.startsWith('memory-backend-') || id === undefined || id !== backend)
      return [word, value];
    const path = object.get('mem-path');
    if (type === 'memory-backend-file' && object.get('share') === 'on' && path !== undefined) {
      memoryPath = path;
      return [word, value];
    }
    return [word, memoryFile(id, launched, object.get('size'))];
  };
  const translated = options.flatMap(translate);
  const ownBackend =
    launched && backend === undefined
      ? ['-object', memoryFile(MEMORY_ID, launched), '-machine', `memory-backend=${MEMORY_ID}`]
      : [];
  return {
    arguments: [
      ...translated,
      ...ownBackend,
      ...['-S', '-no-reboot', '-qmp', `unix:${optionValue(parts.monitorPath)},server=on,wait=off`],
    ],
    ...{ memoryPath, descriptors: translated.flatMap(descriptorsIn), remarks },
  };
}

const memoryFile = (
  id: string,
  { memoryPath, memorySize }: LaunchedGuest,
  size = String(memorySize),
): string => `memory-backend-file,id=${id},size=${size},mem-path=${optionValue(memoryPath)},share=on`;

interface GivenOption {
  /** As it was written. */
  readonly word: string;
  readonly name: string;
  readonly value: string | undefined;
}

/** Whatever follows an option and is no option itself belongs to it. */
function* optionsIn(given: readonly string[]): Generator<GivenOption> {
  for (let i = 0; i < given.length; i++) {
    const word = given[i]!; // i is below the length
    const name = word.replace(/^--?/, '');
    const next = given[i + 1];
    const takes = word.startsWith('-') && next !== undefined && (!next.startsWith('-') || name === 'append');
    yield { word, name, value: takes ? next : undefined };
    if (takes) i++;
  }
}

const isControl = (value: string): boolean => parseOption(value, 'chardev').get('mode') === 'control';

const controlMonitorOf = ({ name, value = '' }: GivenOption): readonly string[] =>
  name === 'mon' && isControl(value) ? [parseOption(value, 'chardev').get('chardev') ?? ''] : [];

const memoryBackendOf = ({ name, value = '' }: GivenOption): readonly string[] => {
  const id =
    name === 'machine' || name === 'M' ? parseOption(value, 'type').get('memory-backend') : undefined;
  return id === undefined ? [] : [id];
};

function accelerator(remarks: string[]): readonly string[] {
  remarks.push('KVM is not usable here: TCG takes its place');
  return ['-accel', 'tcg'];
}

function machineValue(value: string, kvm: boolean, remarks: string[]): string {
  const kept = withoutKeys(value, GUEST_KEYS);
  if (kvm || parseOption(value, 'type').get('accel') !== 'kvm') return kept;
  remarks.push('KVM is not usable here: TCG takes its place');
  return `${withoutKeys(kept, new Set(['accel']))},accel=tcg`;
}

const descriptorsIn = (text: string): readonly number[] =>
  [...text.matchAll(/\b(?:fd|fds|vhostfd|vhostfds)=([\d:]+)/g)].flatMap(([, numbers = '']) =>
    numbers.split(':').map(Number),
  );
