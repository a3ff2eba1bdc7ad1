import { fillForm } from '@sevlab/codec/message-form';
import { memorySizeOf } from '../qemu/memory-map.ts';
import {
  addObject,
  deleteObject,
  getProperty,
  inListedOrder,
  listProperties,
  listTypeProperties,
  listTypes,
  setProperty,
} from '../qemu/object-model.ts';
import { NO_UUID, type QemuMachine, statusReply, whyNoSgx } from '../qemu/qemu-machine.ts';
import { saveMemory, saveVirtualMemory } from '../qemu/save-memory.ts';
import { sevCapabilities } from '../qemu/sev-capabilities.ts';
import { attestationReport, injectSecret, launchMeasurement } from '../qemu/sev-launch.ts';
import { SEV_MESSAGES } from '../qemu/sev-messages.ts';
import { cpuSlots, cpusReply, expectVcpu } from '../qemu/vcpus.ts';
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
import { QMP_MESSAGES } from './qmp-messages.ts';

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
  ['query-sgx-capabilities', command({}, () => refuse(QMP_MESSAGES['no SGX in KVM']))],
  ['query-sgx', command({}, (machine) => refuse(whyNoSgx(machine)))],
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
  [
    'query-acpi-ospm-status',
    command({}, ({ options }) => (options.machine === 'none' ? refuse(QMP_MESSAGES['no ACPI device']) : [])),
  ],
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
    command({}, ({ options }) => ({ 'base-memory': memorySizeOf(options), 'plugged-memory': 0 })),
  ],
  [
    'query-hotpluggable-cpus',
    command(
      {},
      (machine) =>
        cpuSlots(machine).map(({ props, type, path }) => ({
          props,
          'vcpus-count': 1,
          ...(path !== undefined && { 'qom-path': path }),
          type,
        })),
      PRECONFIG,
    ),
  ],
  [
    'query-current-machine',
    command({}, ({ options }) => ({ 'wakeup-suspend-support': options.machine !== 'none' })),
  ],
  ['query-target', command({}, () => ({ arch: 'x86_64' }))],
  ['query-cpus-fast', command({}, cpusReply)],
  ['query-kvm', command({}, ({ options }) => ({ enabled: options.accelerator === 'kvm', present: true }))],
  ['query-uuid', command({}, ({ options }) => ({ UUID: options.uuid ?? NO_UUID }), PRECONFIG)],
  ['query-name', command({}, ({ options: { name } }) => (name === undefined ? {} : { name }), PRECONFIG)],
  ['query-iothreads', command({}, noThreads, PRECONFIG)],
  ['query-block', command({}, () => [], PRECONFIG)],
  ['query-chardev', command({}, chardevsReply, PRECONFIG)],
  [
    'human-monitor-command',
    command(
      { 'command-line': string, 'cpu-index': optional(integer) },
      (machine, { 'command-line': line, 'cpu-index': vcpu }) => {
        if (vcpu !== undefined) expectVcpu(machine, vcpu);
        machine.state.currentCpu = Number(vcpu ?? 0n);
        return humanMonitor(machine, line);
      },
    ),
  ],
  [
    'pmemsave',
    command({ val: integer, size: integer, filename: string }, (machine, { val, size, filename }) =>
      done(() => saveMemory(machine, { at: BigInt.asUintN(64, val), size, filename })),
    ),
  ],
  [
    'memsave',
    command(
      { val: integer, size: integer, filename: string, 'cpu-index': optional(integer) },
      (machine, { val, size, filename, 'cpu-index': vcpu = 0n }) =>
        done(() => saveVirtualMemory(machine, { at: BigInt.asUintN(64, val), size, filename, vcpu })),
    ),
  ],
  ['query-migrate', command({}, ({ state }) => (state.migration ? { status: state.migration } : {}))],
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

function chardevsReply({ options }: QemuMachine): Reply {
  const named = options.chardevs.map(({ label, filename }) => [label, filename] as const);
  return inListedOrder(named).map(([label, filename]) => ({ 'frontend-open': true, filename, label }));
}

/** It looks for them among the objects. */
function noThreads({ state }: QemuMachine): Reply {
  state.objectsSought = true;
  return [];
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

/** NOT MODELLED: nothing is sent anywhere. A SEV guest that runs cannot be migrated (target/i386/sev.c). Throws QmpError. */
function migrate({ sevGuest, state, ports }: QemuMachine, uri: string): void {
  if (sevGuest?.state === 'running') throw new QmpError(SEV_MESSAGES['no migration']);
  state.migration = /^(tcp|unix|exec|fd|vsock|rdma|file):/.test(uri) ? 'completed' : 'failed';
  if (state.migration === 'failed')
    throw new QmpError(
      fillForm(QMP_MESSAGES['expects other'], { name: 'uri', expected: 'a valid migration protocol' }),
    );
  if (sevGuest !== undefined) ports.remark({ kind: 'migrated early' });
}
