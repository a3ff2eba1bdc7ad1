import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { AreaBlock, buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { parseCommandLine } from '../qemu/command-line.ts';
import type { HostPorts } from '../qemu/host-ports.ts';
import { type MachineOptions, type QemuRelease, readOptions } from '../qemu/machine-options.ts';
import { SEV_MESSAGES } from '../qemu/sev-messages.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { isObject, type LearntLaunch, type LoggedExchange } from './learnt-launch.ts';

/** What is known of the machine beside the log. */
export interface KnownMachine {
  /** QEMU's arguments, without its name. */
  readonly arguments?: readonly string[];
  /** The image; a file that the arguments name is this one. */
  readonly firmware?: Uint8Array;
}

/** What the log tells of it. */
export interface ToldByLog {
  readonly greeting: unknown;
  readonly exchanges: readonly LoggedExchange[];
  readonly launch: LearntLaunch;
  readonly startsPaused: boolean;
}

/** Where the secret area is in an image that nobody gave, as in AmdSev builds since edk2-stable202405. */
const USUAL_AREA = { base: 0x81_0000, size: 0xc00 };
const FIRMWARE_SIZE = 0x1000;
const VECTOR_SIZE = 0x20;

/** The machine of a log: as its arguments say, or else as the log itself tells. Throws UsageError. */
export function machineOf(
  { arguments: given, firmware }: KnownMachine,
  told: ToldByLog,
  readFile: HostPorts['readFile'],
): MachineOptions {
  const { greeting, exchanges } = told;
  const build = buildOf(greeting);
  if (given !== undefined)
    return readOptions(parseCommandLine(given, { others: 'ignored', release: build.release }), build, {
      readFile,
    });
  const line = parseCommandLine(learntArguments(told), {
    others: 'refused',
    release: build.release,
  });
  const image = firmware ?? (hasArea(exchanges) ? imageWithUsualArea() : undefined);
  return { ...readOptions(line, build, { readFile }), ...(image && { firmware: image }) };
}

/** What the greeting says of the program. */
function buildOf(greeting: unknown): { readonly release: QemuRelease; readonly package: string } {
  const version = isObject(greeting) && isObject(greeting.version) ? greeting.version : {};
  const { major, minor, micro } = {
    major: 7,
    minor: 2,
    micro: 0,
    ...(isObject(version.qemu) ? version.qemu : {}),
  };
  const at = (otherMajor: number, otherMinor: number): boolean =>
    major > otherMajor || (major === otherMajor && minor >= otherMinor);
  return {
    release: { major, minor, micro, singlestep: !at(8, 1), sevType: at(9, 1) },
    package: typeof version.package === 'string' ? version.package : '',
  };
}

function learntArguments({ exchanges, launch, startsPaused }: ToldByLog): readonly string[] {
  const { hasSev, hasKvm, policy } = launch;
  const summary = exchanges.find(({ command }) => command === 'query-memory-size-summary')?.returned;
  const memory = isObject(summary) ? Number(summary['base-memory']) : 2 ** 32;
  const guest = [
    '-object',
    `sev-guest,id=sev0,cbitpos=${launch.cbitpos},reduced-phys-bits=1,policy=${policy}`,
  ];
  return [
    ...['-accel', hasKvm ? 'kvm' : 'tcg', '-m', `${memory}B`],
    ...['-machine', hasSev ? 'q35,confidential-guest-support=sev0' : 'q35'],
    ...(hasSev ? guest : []),
    ...(isPreconfig(exchanges) ? ['-preconfig'] : []),
    ...(startsPaused ? ['-S'] : []),
  ];
}

/** Whether something was refused because the machine was not there yet. */
const isPreconfig = (exchanges: readonly LoggedExchange[]): boolean =>
  exchanges.some(({ desc }) => desc?.endsWith(QMP_MESSAGES['too early'].split('}')[1]!));

const hasArea = (exchanges: readonly LoggedExchange[]): boolean =>
  !exchanges.some(({ desc }) => desc === SEV_MESSAGES['no secret area']);

function imageWithUsualArea(): Uint8Array {
  const table = buildGuidedTable([{ guid: SEV_SECRET_BLOCK_GUID, data: AreaBlock.encode(USUAL_AREA) }]);
  const image = new Uint8Array(FIRMWARE_SIZE);
  image.set(table, FIRMWARE_SIZE - VECTOR_SIZE - table.length);
  return image;
}
