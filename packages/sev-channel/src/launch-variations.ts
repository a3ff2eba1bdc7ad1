import { type CpuModel, cpuSignature, Vmsa, type VmsaForm } from '@sevlab/codec/sev/vmsa';
import { type DescribedLaunch, type DirectBoot, describeLaunch, hashesTable } from './described-launch.ts';
import type { Contribution } from './launch-digest.ts';

/** One thing that may have been otherwise than the guest owner believes. */
export interface Variation {
  /** What it is, such as `build id`. */
  readonly what: string;
  /** How it would be, such as `the build id were 24 instead of 25`. Never a key. */
  readonly ifOnly: string;
}

/** A launch that differs in one thing. */
export interface LaunchVariation extends Variation {
  readonly contributions: readonly Contribution[];
}

/** Launches for which people and programs take this one. */
export function* launchVariations(launch: DescribedLaunch): Generator<LaunchVariation> {
  const { kernel, vmsas = [] } = launch;
  yield* imageVariations(launch);
  if (kernel !== undefined) yield* kernelVariations(launch, kernel);
  const [boot, application] = vmsas;
  if (boot !== undefined) yield* vcpuVariations(launch, boot, application);
}

/** How long the variables are that OVMF.fd has in front of OVMF_CODE.fd: in builds of 2 MiB and of 4 MiB. */
const OVMF_VARS_SIZES = [0x2_0000, 0x8_4000];

function* imageVariations(launch: DescribedLaunch): Generator<LaunchVariation> {
  for (const size of OVMF_VARS_SIZES.filter((each) => each < launch.image.length))
    yield {
      what: 'firmware image',
      ifOnly: `the firmware image were without its first ${size} bytes, as OVMF_CODE.fd is OVMF.fd without the variables`,
      contributions: describeLaunch({ ...launch, image: launch.image.subarray(size) }),
    };
}

function* kernelVariations(launch: DescribedLaunch, kernel: DirectBoot): Generator<LaunchVariation> {
  const { image, vmsas = [] } = launch;
  yield {
    what: 'kernel hashes',
    ifOnly: 'the kernel hashes were not measured: kernel-hashes is off on the host',
    contributions: describeLaunch({ image, vmsas }),
  };
  const { kernel: file, initrd, commandLine } = kernel;
  const withoutNul = hashesTable(kernel, '');
  yield {
    what: 'command line',
    ifOnly: 'the command line were hashed without its NUL',
    contributions: describeLaunch(launch).map((each) =>
      each.what === 'kernel hashes' ? { ...each, bytes: withoutNul } : each,
    ),
  };
  const lines: readonly (readonly [text: string, ifOnly: string])[] = [
    ['', 'there were no command line'],
    [`${commandLine}\n`, 'the command line had a line end behind it'],
    [`${commandLine} `, 'the command line had a space behind it'],
    [commandLine.trimEnd(), 'the command line had no white space at its end'],
    [`${commandLine} initrd=initrd`, 'the command line had initrd=initrd behind it'],
  ];
  for (const [text, ifOnly] of lines)
    yield {
      ...{ what: 'command line', ifOnly },
      contributions: describeLaunch({ ...launch, kernel: { ...kernel, commandLine: text } }),
    };
  if (initrd !== undefined)
    yield {
      ...{ what: 'initrd', ifOnly: 'there were no initrd' },
      contributions: describeLaunch({ ...launch, kernel: { kernel: file, commandLine } }),
    };
}

function* vcpuVariations(
  launch: DescribedLaunch,
  boot: Uint8Array,
  application: Uint8Array | undefined,
): Generator<LaunchVariation> {
  const { vmsas = [] } = launch;
  const before = describeLaunch({ ...launch, vmsas: [] }); // once: kernel and initrd may be large
  const pages = (made: readonly Uint8Array[]): Contribution[] => [
    ...before,
    ...made.map((bytes, i) => ({ what: `VMSA of vCPU ${i}`, bytes })),
  ];
  yield {
    what: 'VMSAs',
    ifOnly: 'no VMSA were measured: the guest is no SEV-ES guest',
    contributions: pages([]),
  };
  const form = Vmsa.decode(boot).mxcsr === 0 ? 'legacy' : 'init2';
  const other = form === 'legacy' ? 'init2' : 'legacy';
  yield {
    what: 'VMSA form',
    ifOnly: `the VMSAs had the form ${other} instead of ${form}`,
    contributions: pages(vmsas.map((page) => withForm(page, other))),
  };
  for (const [name, model] of MODELS) {
    const made = vmsas.map((page) => withModel(page, model));
    yield { what: 'CPU model', ifOnly: `the CPU model were ${name}`, contributions: pages(made) };
    yield {
      what: 'CPU model',
      ifOnly: `the CPU model were ${name} and the VMSAs had the form ${other}`,
      contributions: pages(made.map((page) => withForm(page, other))),
    };
  }
  for (const count of vcpuCounts(vmsas.length)) {
    if (count > 1 && application === undefined) continue; // where the others start is not known
    const others = Array.from({ length: count - 1 }, () => application ?? boot);
    yield {
      what: 'number of vCPUs',
      ifOnly: `the number of vCPUs were ${count} instead of ${vmsas.length}`,
      contributions: pages([boot, ...others]),
    };
  }
  if (application !== undefined)
    yield {
      what: 'VMSAs',
      ifOnly: 'the VMSA of the boot CPU and that of the others were exchanged',
      contributions: pages([application, ...vmsas.slice(1).map(() => boot)]),
    };
}

/** The most vCPUs that are tried. */
const VCPUS_MAX = 64;

/** Neighbours first. */
const vcpuCounts = (count: number): number[] =>
  Array.from({ length: VCPUS_MAX }, (_, i) => i + 1)
    .filter((other) => other !== count)
    .sort((a, b) => Math.abs(a - count) - Math.abs(b - count));

/** What RDX may hold instead, by the names of QEMU's models; zero is what tools put there that are told no model. */
const MODELS: readonly (readonly [name: string, model: CpuModel | undefined])[] = [
  ['left out', undefined],
  ['EPYC (Naples)', { family: 23, model: 1, stepping: 2 }],
  ['EPYC-Rome', { family: 23, model: 49, stepping: 0 }],
  ['EPYC-Milan', { family: 25, model: 1, stepping: 1 }],
  ['EPYC-Genoa', { family: 25, model: 17, stepping: 0 }],
];

const withModel = (page: Uint8Array, model: CpuModel | undefined): Uint8Array =>
  Vmsa.encode({ ...Vmsa.decode(page), rdx: BigInt(model === undefined ? 0 : cpuSignature(model)) });

const withForm = (page: Uint8Array, form: VmsaForm): Uint8Array =>
  Vmsa.encode({ ...Vmsa.decode(page), ...FPU_OF[form] });

/** What the forms differ in: see encodeInitialVmsa. */
const FPU_OF: Readonly<Record<VmsaForm, { mxcsr: number; x87Fcw: number }>> = {
  legacy: { mxcsr: 0, x87Fcw: 0 },
  init2: { mxcsr: 0x1f80, x87Fcw: 0x037f },
};
