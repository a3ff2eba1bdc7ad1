import { fillForm } from '@sevlab/codec/message-form';
import type { Reply } from '../qmp/json-value.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { placeOf } from './cpu-topology.ts';
import type { QemuMachine } from './qemu-machine.ts';

/** Threads are made up: nobody can look at them. */
export const FIRST_THREAD = 1001;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, cpu) => cpu);

/** The numbers of a machine's processors. */
export const vcpus = ({ options }: QemuMachine): number[] =>
  options.machine === 'none' ? [] : upTo(options.vcpus);

/** The second device is no processor (kvmvapic). */
const pathOf = (vcpu: number): string => `/machine/unattached/device[${vcpu === 0 ? 0 : vcpu + 1}]`;

/** `query-cpus-fast`. */
export const cpusReply = (machine: QemuMachine): Reply =>
  vcpus(machine).map((vcpu) => ({
    'thread-id': FIRST_THREAD + vcpu,
    props: placeOf(vcpu, machine.options.topology),
    'qom-path': pathOf(vcpu),
    'cpu-index': vcpu,
    target: 'x86_64',
  }));

/** A place for a processor, and which one is there. */
export interface CpuSlot {
  readonly props: ReturnType<typeof placeOf>;
  readonly type: string;
  readonly path: string | undefined;
}

/** `query-hotpluggable-cpus`, the last one first. Throws QmpError. */
export function cpuSlots({ options, state }: QemuMachine): readonly CpuSlot[] {
  if (options.machine === 'none')
    throw new QmpError(fillForm(QMP_MESSAGES['no hotplug'], { feature: 'query-hotpluggable-cpus' }));
  return upTo(options.topology.maxcpus)
    .toReversed()
    .map((cpu) => ({
      props: placeOf(cpu, options.topology),
      type: `${options.cpuModel}-x86_64-cpu`,
      path: state.initialized && cpu < options.vcpus ? pathOf(cpu) : undefined,
    }));
}

/** Throws QmpError for a number of none. */
export function expectVcpu(machine: QemuMachine, vcpu: bigint): void {
  if (vcpu < 0n || vcpu >= BigInt(vcpus(machine).length))
    throw new QmpError(
      fillForm(QMP_MESSAGES['expects other'], { name: 'cpu-index', expected: 'a CPU number' }),
    );
}
