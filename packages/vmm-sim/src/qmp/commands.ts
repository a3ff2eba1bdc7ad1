import { gpa } from '@sevlab/codec/address';
import { isMemoryThere, type MappedRegion } from '../qemu/memory-map.ts';
import {
  addObject,
  deleteObject,
  getProperty,
  listProperties,
  listTypeProperties,
  listTypes,
  setProperty,
} from '../qemu/object-model.ts';
import { NO_UUID, type QemuMachine, statusReply } from '../qemu/qemu-machine.ts';
import { sevCapabilities } from '../qemu/sev-capabilities.ts';
import { attestationReport, injectSecret, launchMeasurement } from '../qemu/sev-launch.ts';
import { humanMonitor } from './human-monitor.ts';
import type { JsonObject, Reply } from './json-value.ts';
import {
  type ArgumentsOf,
  any,
  boolean,
  integer,
  optional,
  type Parameters,
  string,
  takeArguments,
  uint64,
} from './parameters.ts';
import { QmpError } from './qmp-error.ts';

/** A command of QMP. */
export interface QmpCommand {
  /** Whether it is there before x-exit-preconfig. */
  readonly preconfig: boolean;
  /** Throws QmpError. */
  readonly run: (machine: QemuMachine, given: JsonObject) => Reply;
}

const command = <P extends Parameters>(
  parameters: P,
  run: (machine: QemuMachine, args: ArgumentsOf<P>) => Reply | undefined,
  preconfig = false,
): QmpCommand => ({
  preconfig,
  run: (machine, given) => run(machine, takeArguments(parameters, given)) ?? {},
});

const PRECONFIG = true;

/** Every command that is answered, by its name, in the order of `query-commands`. */
export const QMP_COMMANDS: ReadonlyMap<string, QmpCommand> = new Map<string, QmpCommand>([
  ['query-sgx-capabilities', command({}, () => refuse('SGX is not enabled in KVM'))],
  ['query-sgx', command({}, () => refuse('No EPC regions defined, SGX not available'))],
  [
    'query-sev-attestation-report',
    command({ mnonce: string }, ({ sevGuest, calls }, { mnonce }) => ({
      data: attestationReport(sevGuest, calls, mnonce),
    })),
  ],
  [
    'sev-inject-launch-secret',
    command(
      { 'packet-header': string, secret: string, gpa: optional(uint64) },
      (machine, { 'packet-header': header, secret, gpa: at }) =>
        done(() => injectSecret(machine.sevGuest, machine.calls, machine, { header, secret, gpa: at })),
    ),
  ],
  [
    'query-sev-capabilities',
    command({}, ({ calls, options }) => sevCapabilities(calls, options.accelerator)),
  ],
  ['query-sev-launch-measure', command({}, ({ sevGuest }) => ({ data: launchMeasurement(sevGuest) }))],
  ['query-sev', command({}, querySev)],
  ['query-acpi-ospm-status', command({}, () => [])],
  [
    'qom-list-properties',
    command({ typename: string }, (_, { typename }) => listTypeProperties(typename), PRECONFIG),
  ],
  [
    'qom-list-types',
    command(
      { implements: optional(string), abstract: optional(boolean) },
      (machine, args) => listTypes(machine, args.implements),
      PRECONFIG,
    ),
  ],
  [
    'qom-set',
    command(
      { path: string, property: string, value: any },
      (machine, { path, property, value }) => done(() => setProperty(machine, path, property, value)),
      PRECONFIG,
    ),
  ],
  [
    'qom-get',
    command(
      { path: string, property: string },
      (machine, { path, property }) => getProperty(machine, path, property),
      PRECONFIG,
    ),
  ],
  ['qom-list', command({ path: string }, (machine, { path }) => listProperties(machine, path), PRECONFIG)],
  [
    'object-del',
    command({ id: string }, (machine, { id }) => done(() => deleteObject(machine, id)), PRECONFIG),
  ],
  [
    'object-add',
    { preconfig: PRECONFIG, run: (machine, given) => done(() => addObject(machine, given)) ?? {} },
  ],
  [
    'query-memory-size-summary',
    command({}, ({ options }) => ({ 'base-memory': options.memorySize, 'plugged-memory': 0 })),
  ],
  [
    'query-hotpluggable-cpus',
    command(
      {},
      (machine) => vcpus(machine).map((vcpu) => ({ ...props(vcpu), ...typed(machine, vcpu) })),
      PRECONFIG,
    ),
  ],
  ['query-current-machine', command({}, () => ({ 'wakeup-suspend-support': true }))],
  ['query-target', command({}, () => ({ arch: 'x86_64' }))],
  [
    'query-cpus-fast',
    command({}, (machine) =>
      vcpus(machine).map((vcpu) => ({
        'thread-id': FIRST_THREAD + vcpu,
        ...props(vcpu),
        'qom-path': vcpuPath(vcpu),
        'cpu-index': vcpu,
        target: 'x86_64',
      })),
    ),
  ],
  ['query-kvm', command({}, ({ options }) => ({ enabled: options.accelerator === 'kvm', present: true }))],
  ['query-uuid', command({}, ({ options }) => ({ UUID: options.uuid ?? NO_UUID }), PRECONFIG)],
  ['query-name', command({}, ({ options: { name } }) => (name === undefined ? {} : { name }), PRECONFIG)],
  ['query-iothreads', command({}, () => [], PRECONFIG)],
  ['query-block', command({}, () => [], PRECONFIG)],
  [
    'query-chardev',
    command(
      {},
      ({ options }) =>
        options.chardevs.map(({ label, filename }) => ({ 'frontend-open': true, filename, label })),
      PRECONFIG,
    ),
  ],
  [
    'human-monitor-command',
    command({ 'command-line': string, 'cpu-index': optional(integer) }, (machine, { 'command-line': line }) =>
      humanMonitor(machine, line),
    ),
  ],
  [
    'pmemsave',
    command({ val: integer, size: integer, filename: string }, (machine, { val, size, filename }) =>
      done(() => save(machine, BigInt.asUintN(64, val), size, filename)),
    ),
  ],
  [
    'memsave',
    command(
      { val: integer, size: integer, filename: string, 'cpu-index': optional(integer) },
      (machine, { val, size, filename, 'cpu-index': vcpu = 0n }) =>
        done(() => saveVirtual(machine, { at: BigInt.asUintN(64, val), size, filename, vcpu })),
    ),
  ],
  ['query-migrate', command({}, ({ state }) => (state.migrated ? MIGRATED : {}))],
  ['migrate', command({ uri: string }, (machine, { uri }) => done(() => migrate(machine, uri)))],
  ['system_powerdown', command({}, (machine) => done(() => machine.systemPowerdown()))],
  ['system_reset', command({}, (machine) => done(() => machine.systemReset()))],
  ['x-exit-preconfig', command({}, (machine) => done(() => machine.exitPreconfig()), PRECONFIG)],
  ['cont', command({}, (machine) => done(() => machine.cont()))],
  ['stop', command({}, (machine) => done(() => machine.stop()))],
  ['query-status', command({}, statusReply, PRECONFIG)],
  ['quit', command({}, (machine) => done(() => machine.quit()), PRECONFIG)],
  [
    'query-commands',
    command({}, () => [...QMP_COMMANDS.keys(), 'qmp_capabilities'].map((name) => ({ name })), PRECONFIG),
  ],
  ['query-version', command({}, versionReply, PRECONFIG)],
]);

/** A command without an answer of its own. */
function done(act: () => void): undefined {
  act();
}

function refuse(why: string): never {
  throw new QmpError(why);
}

/** `query-version`, which the greeting holds too. */
export function versionReply({ options: { release, package: build } }: QemuMachine): Reply {
  const { major, minor, micro } = release;
  return { qemu: { major, minor, micro }, package: build };
}

function querySev({ sevGuest, options: { release } }: QemuMachine): Reply {
  const type = release.sevType ? { 'sev-type': 'sev' } : {};
  if (sevGuest === undefined)
    return {
      enabled: false,
      'api-major': 0,
      'api-minor': 0,
      'build-id': 0,
      policy: 0,
      state: 'uninit',
      handle: 0,
      ...type,
    };
  const { apiMajor, apiMinor, build, state, object } = sevGuest;
  const { policy, handle } = object;
  return {
    enabled: true,
    'api-major': apiMajor,
    'api-minor': apiMinor,
    'build-id': build,
    policy,
    state,
    handle,
    ...type,
  };
}

/** Threads are made up: nobody can look at them. */
const FIRST_THREAD = 1001;
const vcpus = ({ options }: QemuMachine): number[] =>
  Array.from({ length: options.vcpus }, (_, vcpu) => vcpu);
const vcpuPath = (vcpu: number): string => `/machine/unattached/device[${vcpu}]`;
const props = (vcpu: number): { readonly props: Reply } => ({
  props: { 'socket-id': vcpu, 'core-id': 0, 'thread-id': 0 }, // QEMU gives each vCPU a socket of its own
});
const typed = ({ options, state }: QemuMachine, vcpu: number): { readonly [name: string]: Reply } => ({
  'vcpus-count': 1,
  type: `${options.cpuModel}-x86_64-cpu`,
  ...(state.initialized && { 'qom-path': vcpuPath(vcpu) }),
});

/** No file that is written gets longer, in bytes. */
const SAVE_MAX = 1n << 32n;
const SAVE_PIECE = 1 << 20;

/** What the host sees of guest memory; zeros where there is none. Throws QmpError. */
function save({ map, ports }: QemuMachine, at: bigint, size: bigint, filename: string): void {
  if (size < 0n || size > SAVE_MAX) throw new QmpError(`Invalid size ${size}`); // DEVIATION: QEMU writes on and on
  const bytes = new Uint8Array(Number(size));
  for (let offset = 0; offset < bytes.length; ) {
    const address = BigInt.asUintN(64, at + BigInt(offset));
    const { length, memory } = stretch(map, address, Math.min(SAVE_PIECE, bytes.length - offset));
    if (memory) bytes.set(ports.readGuest(gpa(address), length), offset);
    offset += length;
  }
  const failed = ports.writeFile(filename, bytes);
  if (failed !== undefined) throw new QmpError(`Could not open '${filename}': ${failed}`);
}

/** How many of `length` bytes from an address on are all memory, or all none. */
function stretch(
  map: readonly MappedRegion[],
  at: bigint,
  length: number,
): { readonly length: number; readonly memory: boolean } {
  const region = map.find(({ start, end }) => at >= start && at < end);
  const next =
    region?.end ??
    map
      .map(({ start }) => start)
      .filter((start) => start > at)
      .sort((a, b) => (a < b ? -1 : 1))[0];
  const room = next === undefined ? length : Math.min(length, Number(next - at));
  return { length: room, memory: region?.memory ?? false };
}

/** The processor has no paging yet: 32 bits of physical addresses. */
function saveVirtual(
  machine: QemuMachine,
  {
    at,
    size,
    filename,
    vcpu,
  }: { readonly at: bigint; readonly size: bigint; readonly filename: string; readonly vcpu: bigint },
): void {
  if (vcpu < 0n || vcpu >= BigInt(machine.options.vcpus))
    throw new QmpError("Parameter 'cpu-index' expects a CPU number");
  if (!isMemoryThere(machine.map, at, size))
    throw new QmpError(`Invalid addr 0x${at.toString(16).padStart(16, '0')}/size ${size} specified`);
  save(machine, at, size, filename);
}

/** NOT MODELLED: nothing is sent anywhere. A SEV guest that runs cannot be migrated (target/i386/sev.c). Throws QmpError. */
function migrate({ sevGuest, state, ports }: QemuMachine, uri: string): void {
  if (sevGuest?.state === 'running') throw new QmpError('SEV: Migration is not implemented');
  if (!/^(tcp|unix|exec|fd|vsock|rdma|file):/.test(uri))
    throw new QmpError("Parameter 'uri' expects a valid migration protocol");
  if (sevGuest !== undefined) ports.remark({ kind: 'migrated early' });
  state.migrated = true;
}

const MIGRATED: Reply = { status: 'completed' };
