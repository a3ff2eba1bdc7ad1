import { QmpError } from '../qmp/qmp-error.ts';
import type { QemuMachine } from './qemu-machine.ts';

/** Threads are made up: nobody can look at them. */
export const FIRST_THREAD = 1001;

/** The numbers of a machine's processors. */
export const vcpus = ({ options }: QemuMachine): number[] =>
  Array.from({ length: options.vcpus }, (_, vcpu) => vcpu);

export const vcpuPath = (vcpu: number): string => `/machine/unattached/device[${vcpu}]`;

/** Throws QmpError for a number of none. */
export function expectVcpu({ options }: QemuMachine, vcpu: bigint): void {
  if (vcpu < 0n || vcpu >= BigInt(options.vcpus))
    throw new QmpError("Parameter 'cpu-index' expects a CPU number");
}
