import { fillForm } from '@sevlab/codec/message-form';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { asUsage, type Parsed, type QemuCommandLine, type Reading } from './command-line-reading.ts';
import { MACHINE_PROPERTIES, machineTypeName } from './machine-property-types.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
import { parseOption, parseSwitch, UsageError, ValueError } from './option-text.ts';

/** Names of accelerators, the first choice first. Throws ValueError. */
export function takeAccelerator(result: Parsed, names: string | undefined): void {
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

/** -machine. Throws UsageError and ValueError. */
export function takeMachine(reading: Reading, value: string): void {
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
export const machineNameOf = ({ result, reader: { release }, machineVersion }: Reading): string =>
  machineTypeName(result.machine, machineVersion ?? `${release.major}.${release.minor}`);

const DEFAULT_RAM = 'pc.ram';

/** What -machine refers to must be there. Throws UsageError. */
export function expectReferences({ result, references, objectIds, accelerator }: Reading): void {
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
