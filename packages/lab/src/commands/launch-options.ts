import { SEV_HASH_TABLE_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { HASHES_TABLE_SIZE } from '@sevlab/codec/ovmf/hashes-table';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { type CpuModel, cpuSignature, Vmsa, type VmsaForm } from '@sevlab/codec/sev/vmsa';
import type { TransportKeys } from '@sevlab/guest-owner-sim/accepted-launch';
import { type DescribedLaunch, type DirectBoot, initialVmsas } from '@sevlab/sev-channel/described-launch';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { readBytes, readNumber, readSized } from './input.ts';
import { say } from './output.ts';
import { parsePolicy } from './policy-option.ts';

/** What the guest owner says of a launch, with the names that virt-qemu-sev-validate has for it. */
export interface LaunchOptions {
  readonly apiMajor?: string;
  readonly apiMinor?: string;
  readonly buildId?: string;
  readonly policy?: string;
  readonly firmware?: string;
  readonly digest?: string;
  readonly launchDigest?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly numCpus?: string;
  readonly vmsaCpu0?: string;
  readonly vmsaCpu1?: string;
  readonly cpuFamily?: string;
  readonly cpuModel?: string;
  readonly cpuStepping?: string;
  readonly vmsaForm: VmsaForm;
  readonly tik?: string;
  readonly tek?: string;
  readonly tk?: string;
  readonly ignoreConfig?: boolean;
}

const KEY_SIZE = 16;

/** Adds the options; they are read by the functions below. */
export const addLaunchOptions = (command: Command): Command =>
  command
    .option('--api-major <number>', 'SEV API of the host, as query-sev says it')
    .option('--api-minor <number>')
    .option('--build-id <number>')
    .option('--policy <policy>', 'the policy of the guest; also flags, such as NODBG,ES')
    .option('-f, --firmware <file>', 'the firmware image')
    .option('--digest <bytes>', 'the launch digest, in place of the files and the vCPUs')
    .addOption(new Option('--launch-digest <bytes>', 'as --digest').hideHelp())
    .option('-k, --kernel <file>', 'what the firmware is given to start, where kernel-hashes is on')
    .option('-r, --initrd <file>', 'its initrd')
    .option('-e, --cmdline <text>', 'its command line, without a NUL')
    .option('-n, --num-cpus <number>', 'vCPUs of an SEV-ES guest')
    .option('-0, --vmsa-cpu0 <file>', 'the VMSA of the boot CPU')
    .option('-1, --vmsa-cpu1 <file>', 'the VMSA of each other CPU')
    .option('--cpu-family <number>', 'in place of VMSA files: the CPU model, from which they are made')
    .option('--cpu-model <number>')
    .option('--cpu-stepping <number>')
    .addOption(
      new Option('--vmsa-form <form>', 'of VMSAs that are made: of KVM_SEV_ES_INIT, or of KVM_SEV_INIT2')
        .choices(['legacy', 'init2'])
        .default('legacy'),
    )
    .option('--tik <bytes>', 'transport integrity key, 16 bytes')
    .option('--tek <bytes>', 'transport encryption key, 16 bytes')
    .option('--tk <bytes>', 'TEK and TIK behind one another, 32 bytes')
    .option('-g, --ignore-config', 'say and refuse nothing about what cannot be right');

/** Said below the options: how bytes and numbers may be given. */
export const INPUT_HELP =
  '\nKeys, digests and VMSAs are read raw, in base64 or in hexadecimal; firmware, kernel and initrd as they are, unless\n' +
  'they are called .b64 or .hex. base64:… and hex:… give the bytes themselves. Numbers are decimal or 0x….\n' +
  'VMSAs differ by host: legacy is what virt-qemu-sev-validate, sevctl and QEMU before 9.1 make, init2 what\n' +
  'sev-snp-measure and a later QEMU on Linux 6.10 or later make.\n';

/** TIK and TEK. Throws CommandError. */
export function readKeys({ tik, tek, tk }: LaunchOptions): TransportKeys {
  if (tk !== undefined) {
    if (tik !== undefined || tek !== undefined)
      throw new CommandError(
        EXIT.usage,
        '--tk, --tek, --tik: expected either both in one or one each, got both',
      );
    const both = readSized('--tk', tk, 2 * KEY_SIZE);
    return { tek: both.slice(0, KEY_SIZE), tik: both.slice(KEY_SIZE) };
  }
  return {
    tek: readSized('--tek', required('--tek, or --tk', tek), KEY_SIZE),
    tik: readSized('--tik', required('--tik, or --tk', tik), KEY_SIZE),
  };
}

/** The TIK alone. Throws CommandError. */
export const readTik = (options: LaunchOptions): Uint8Array =>
  options.tk === undefined
    ? readSized('--tik', required('--tik, or --tk', options.tik), KEY_SIZE)
    : readKeys(options).tik;

/** The version of the host's SEV firmware, where it is not reported. Throws CommandError. */
export function readVersion(
  { apiMajor, apiMinor, buildId }: LaunchOptions,
  reported: FirmwareVersion | undefined,
): FirmwareVersion {
  const byte = (option: string, text: string | undefined, otherwise: number | undefined): number =>
    text === undefined && otherwise !== undefined
      ? otherwise
      : readNumber(option, required(option, text), 0xff);
  return {
    apiMajor: byte('--api-major', apiMajor, reported?.apiMajor),
    apiMinor: byte('--api-minor', apiMinor, reported?.apiMinor),
    build: byte('--build-id', buildId, reported?.build),
  };
}

/** 32 bits. Throws CommandError. */
export const readPolicy = ({ policy }: LaunchOptions, reported: number | undefined): number =>
  policy === undefined && reported !== undefined ? reported : parsePolicy(required('--policy', policy));

/** What the guest is started with, or its digest. Throws CommandError. */
export function readContents(options: LaunchOptions, policy: number): DescribedLaunch | Uint8Array {
  const digest = options.digest ?? options.launchDigest;
  if (digest !== undefined) {
    if (options.firmware !== undefined || options.kernel !== undefined)
      throw new CommandError(
        EXIT.usage,
        '--digest, --firmware, --kernel: expected the digest or files, got both',
      );
    return readSized('--digest', digest, 32);
  }
  const kernel = readKernel(options);
  const vcpus = readVcpus(options, policy);
  const image = readBytes(required('--firmware, or --digest', options.firmware));
  const vmsas = vcpus?.(image);
  if (!options.ignoreConfig) remarkOnConfiguration(options, image, policy);
  return { image, ...(kernel && { kernel }), ...(vmsas && { vmsas }) };
}

function readKernel({ kernel, initrd, cmdline }: LaunchOptions): DirectBoot | undefined {
  if (kernel === undefined) {
    if (initrd === undefined && cmdline === undefined) return undefined;
    throw new CommandError(
      EXIT.usage,
      '--initrd, --cmdline: expected a --kernel that they are for, got none',
    );
  }
  return {
    kernel: readBytes(kernel),
    ...(initrd !== undefined && { initrd: readBytes(initrd) }),
    commandLine: cmdline ?? '',
  };
}

const CPUS_MAX = 4096;

/** How the VMSAs come about, once the image is there; undefined without SEV-ES. Throws CommandError. */
function readVcpus(
  options: LaunchOptions,
  policy: number,
): ((image: Uint8Array) => Uint8Array[]) | undefined {
  if (!hasPolicy(policy, 'ES')) return undefined;
  const count = readNumber(
    '--num-cpus',
    required('--num-cpus, since the policy asks for SEV-ES', options.numCpus),
    CPUS_MAX,
  );
  if (count === 0) throw new CommandError(EXIT.usage, '--num-cpus 0: expected 1 or more');
  const model = [options.cpuFamily, options.cpuModel, options.cpuStepping];
  const { vmsaCpu0, vmsaCpu1 } = options;
  if (model.every((part) => part === undefined)) {
    const boot = readBytes(
      required('--vmsa-cpu0, or --cpu-family, --cpu-model and --cpu-stepping', vmsaCpu0),
      Vmsa.size,
    );
    const others =
      count > 1 || vmsaCpu1 !== undefined
        ? readBytes(required('--vmsa-cpu1, for more than one vCPU', vmsaCpu1), Vmsa.size)
        : boot;
    return () => [boot, ...Array.from({ length: count - 1 }, () => others)];
  }
  if (vmsaCpu0 !== undefined || vmsaCpu1 !== undefined)
    throw new CommandError(
      EXIT.usage,
      '--vmsa-cpu0, --cpu-family: expected VMSA files or a CPU model, got both',
    );
  const signature = readSignature(options);
  return (image) => {
    try {
      return initialVmsas(image, { count, cpuSignature: signature, form: options.vmsaForm });
    } catch (error) {
      if (error instanceof RangeError)
        throw new CommandError(EXIT.configuration, `${options.firmware}: ${error.message}`);
      throw error;
    }
  };
}

function readSignature({ cpuFamily, cpuModel, cpuStepping }: LaunchOptions): number {
  const all = ', since --cpu-family, --cpu-model and --cpu-stepping belong together';
  const part = (option: string, text: string | undefined): number =>
    readNumber(option, required(`${option}${all}`, text), 0xffff);
  const model: CpuModel = {
    family: part('--cpu-family', cpuFamily),
    model: part('--cpu-model', cpuModel),
    stepping: part('--cpu-stepping', cpuStepping),
  };
  try {
    return cpuSignature(model);
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
    throw error;
  }
}

/** What QEMU would refuse, or not look at: the answer is that of the files all the same. */
function remarkOnConfiguration(options: LaunchOptions, image: Uint8Array, policy: number): void {
  const hashes = findArea(readGuidedTable(image), SEV_HASH_TABLE_BLOCK_GUID);
  if (
    options.kernel !== undefined &&
    (hashes === undefined || hashes.base === 0 || hashes.size < HASHES_TABLE_SIZE)
  )
    say(
      `${options.firmware}: it has no room for kernel hashes: QEMU refuses to start it with kernel-hashes=on`,
    );
  if (options.numCpus !== undefined && !hasPolicy(policy, 'ES'))
    say('--num-cpus: the policy does not ask for SEV-ES, so no vCPU is measured');
}

/** Throws CommandError. */
function required(option: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new CommandError(EXIT.usage, `expected ${option}, got none`);
}
