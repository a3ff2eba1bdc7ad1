import { fillForm } from '@sevlab/codec/message-form';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
import { type OptionValues, UsageError } from './option-text.ts';

/** How a machine's processors are arranged; each count is of the level above. */
export interface CpuTopology {
  readonly cpus: number;
  readonly maxcpus: number;
  readonly sockets: number;
  readonly dies: number;
  readonly cores: number;
  readonly threads: number;
}

export const ONE_CPU: CpuTopology = { cpus: 1, maxcpus: 1, sockets: 1, dies: 1, cores: 1, threads: 1 };

const KEYS = ['cpus', 'maxcpus', 'sockets', 'dies', 'clusters', 'cores', 'threads'];
/** More has no machine of QEMU's that SEV runs on (hw/i386/pc.c). */
const CPUS_MAX = 288;
/** APIC IDs of 8 bits; more needs an interrupt controller in the kernel. */
const XAPIC_MAX = 255;

/**
 * `-smp`, where what is left out follows from the rest (QEMU 7.2, hw/core/machine-smp.c: machine_parse_smp_config; from
 * 6.2 on cores come before sockets). `machine` is its type's name. Throws UsageError.
 */
export function parseTopology(values: OptionValues, machine: string, irqchip: boolean): CpuTopology {
  const given = new Map<string, number>();
  for (const [key, text] of values) {
    if (!KEYS.includes(key)) throw new UsageError(fillForm(QMP_MESSAGES.unexpected, { name: `smp.${key}` }));
    if (!/^-?\d{1,18}$/.test(text))
      throw new UsageError(
        fillForm(QMP_MESSAGES['expects other'], { name: `smp.${key}`, expected: 'integer' }),
      );
    given.set(key, Number(text));
  }
  const count = (key: string): number => given.get(key) ?? 0;
  if (count('clusters') > 1) throw new UsageError(OPTION_MESSAGES['no clusters']);
  const [dies, threads] = [count('dies') || 1, count('threads') || 1];
  let [cpus, maxcpus, sockets, cores] = [count('cpus'), count('maxcpus'), count('sockets'), count('cores')];
  const below = dies * threads;
  if (cpus === 0 && maxcpus === 0) {
    sockets ||= 1;
    cores ||= 1;
  } else {
    maxcpus ||= cpus;
    if (cores === 0) {
      sockets ||= 1;
      cores = Math.floor(maxcpus / (sockets * below));
    } else sockets ||= Math.floor(maxcpus / (cores * below));
  }
  const product = sockets * cores * below;
  maxcpus ||= product;
  cpus ||= maxcpus;
  const shown = `sockets (${sockets}) * dies (${dies}) * cores (${cores}) * threads (${threads})`;
  if (maxcpus > CPUS_MAX || cpus < 0)
    throw new UsageError(
      fillForm(OPTION_MESSAGES['many vCPUs'], { count: maxcpus, machine, most: CPUS_MAX }),
    );
  if (product !== maxcpus)
    throw new UsageError(
      badTopology(`product of the hierarchy must match maxcpus: ${shown} != maxcpus (${maxcpus})`),
    );
  if (maxcpus < cpus)
    throw new UsageError(
      badTopology(
        `maxcpus must be equal to or greater than smp: ${shown} == maxcpus (${maxcpus}) < smp_cpus (${cpus})`,
      ),
    );
  if (maxcpus > XAPIC_MAX && !irqchip) throw new UsageError(OPTION_MESSAGES['no X2APIC']);
  return { cpus, maxcpus, sockets, dies, cores, threads };
}

/** Where a processor sits, by its number. */
export function placeOf(cpu: number, { dies, cores, threads }: CpuTopology) {
  const [core, die] = [Math.floor(cpu / threads), Math.floor(cpu / (threads * cores))];
  return {
    'socket-id': Math.floor(die / dies),
    ...(dies > 1 && { 'die-id': die % dies }),
    'core-id': core % cores,
    'thread-id': cpu % threads,
  };
}

const badTopology = (why: string): string => fillForm(OPTION_MESSAGES['bad topology'], { why });
