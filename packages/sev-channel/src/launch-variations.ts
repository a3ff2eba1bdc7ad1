import { type CpuModel, cpuSignature, Vmsa } from '@sevlab/codec/sev/vmsa';
import { type DescribedLaunch, describeLaunch, hashesTable } from './described-launch.ts';
import type { Contribution } from './launch-digest.ts';

/** One thing that was otherwise than the guest owner believes. */
export interface Variation {
  /** What it is, such as `build id`. */
  readonly what: string;
  /** How it would fit. Never a key. */
  readonly fits: string;
  /** What was given. */
  readonly given: string;
}

/** A launch that differs in one thing. */
export interface LaunchVariation extends Variation {
  readonly contributions: readonly Contribution[];
}

/** Launches of which people and programs take this one to be. */
export function* launchVariations(launch: DescribedLaunch): Generator<LaunchVariation> {
  const { kernel, vmsas = [] } = launch;
  const other = (change: Partial<DescribedLaunch>): Contribution[] =>
    describeLaunch({ ...launch, ...change });
  if (kernel !== undefined) {
    const withHashes = (bytes: Uint8Array): Contribution[] =>
      describeLaunch(launch).map((each) => (each.what === 'kernel hashes' ? { ...each, bytes } : each));
    const { kernel: _, ...without } = launch;
    yield {
      ...{ what: 'kernel hashes', given: 'measured', fits: 'not measured: kernel-hashes is off on the host' },
      contributions: describeLaunch(without),
    };
    const { commandLine, initrd } = kernel;
    const given = `${JSON.stringify(commandLine)} with its NUL`;
    const line = (text: string, fits: string): LaunchVariation => ({
      ...{ what: 'command line', given, fits },
      contributions: other({ kernel: { ...kernel, commandLine: text } }),
    });
    yield {
      ...{ what: 'command line', given, fits: 'hashed without its NUL' },
      contributions: withHashes(hashesTable(kernel, '')),
    };
    yield line('', 'none');
    yield line(`${commandLine}\n`, 'with a line end behind it');
    yield line(commandLine.trimEnd(), 'without the white space at its end');
    yield line(`${commandLine} `, 'with a space behind it');
    yield line(`${commandLine} initrd=initrd`, 'with initrd=initrd behind it');
    if (initrd !== undefined) {
      const { initrd: __, ...bare } = kernel;
      yield { what: 'initrd', given: 'measured', fits: 'none', contributions: other({ kernel: bare }) };
    }
  }
  if (vmsas.length > 0) {
    yield {
      what: 'VMSAs',
      given: 'measured',
      fits: 'not measured: the guest is no SEV-ES guest',
      contributions: other({ vmsas: [] }),
    };
    const formOf = (page: Uint8Array): string => (Vmsa.decode(page).mxcsr === 0 ? 'legacy' : 'init2');
    const form = formOf(vmsas[0]!);
    const exchanged = form === 'legacy' ? 'init2' : 'legacy';
    yield {
      ...{ what: 'VMSA form', given: form, fits: exchanged },
      contributions: other({ vmsas: vmsas.map((page) => withForm(page, exchanged)) }),
    };
    for (const [name, model] of MODELS) {
      const contributions = other({ vmsas: vmsas.map((page) => withModel(page, model)) });
      yield { what: 'CPU model', given: signatureOf(vmsas[0]!), fits: name, contributions };
      yield {
        ...{
          what: 'CPU model and VMSA form',
          given: `${signatureOf(vmsas[0]!)}, ${form}`,
          fits: `${name}, ${exchanged}`,
        },
        contributions: other({ vmsas: vmsas.map((page) => withForm(withModel(page, model), exchanged)) }),
      };
    }
    for (const count of vcpuCounts(vmsas.length)) {
      const [boot, application] = [vmsas[0]!, vmsas[1]];
      if (count > 1 && application === undefined) continue; // where the others start is not known
      const pages = [boot, ...Array.from({ length: count - 1 }, () => application ?? boot)];
      yield {
        what: 'number of vCPUs',
        given: `${vmsas.length}`,
        fits: `${count}`,
        contributions: other({ vmsas: pages }),
      };
    }
    if (vmsas.length > 1) {
      const [boot, application] = [vmsas[0]!, vmsas[1]!];
      yield {
        ...{ what: 'VMSAs', given: 'of the boot CPU first', fits: 'exchanged: that of the other CPUs first' },
        contributions: other({ vmsas: [application, ...vmsas.slice(1).map(() => boot)] }),
      };
    }
  }
}

/** Neighbours first, then all that QEMU may have been told. */
const vcpuCounts = (count: number): number[] => [
  ...[count - 1, count + 1].filter((other) => other >= 1),
  ...Array.from({ length: 64 }, (_, i) => i + 1).filter((other) => Math.abs(other - count) > 1),
];

/** What RDX may hold instead, by the names of QEMU's models; zero is what tools put there that are told no model. */
const MODELS: readonly (readonly [name: string, model: CpuModel | undefined])[] = [
  ['none', undefined],
  ['EPYC (Naples)', { family: 23, model: 1, stepping: 2 }],
  ['EPYC-Rome', { family: 23, model: 49, stepping: 0 }],
  ['EPYC-Milan', { family: 25, model: 1, stepping: 1 }],
  ['EPYC-Genoa', { family: 25, model: 17, stepping: 0 }],
];

const signatureOf = (page: Uint8Array): string => `0x${Vmsa.decode(page).rdx.toString(16)}`;

const withModel = (page: Uint8Array, model: CpuModel | undefined): Uint8Array =>
  Vmsa.encode({ ...Vmsa.decode(page), rdx: BigInt(model === undefined ? 0 : cpuSignature(model)) });

const withForm = (page: Uint8Array, form: 'legacy' | 'init2'): Uint8Array =>
  Vmsa.encode({
    ...Vmsa.decode(page),
    mxcsr: form === 'init2' ? 0x1f80 : 0,
    x87Fcw: form === 'init2' ? 0x037f : 0,
  });
