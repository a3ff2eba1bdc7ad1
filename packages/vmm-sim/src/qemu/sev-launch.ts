import { type Gpa, gpa } from '@sevlab/codec/address';
import { toBase64 } from '@sevlab/codec/bytes';
import { SEV_HASH_TABLE_BLOCK_GUID, SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { fillForm } from '@sevlab/codec/message-form';
import { findArea, findEntry, type GuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { HASHES_TABLE_SIZE } from '@sevlab/codec/ovmf/hashes-table';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { type DirectBoot, hashesTable } from '../direct-boot.ts';
import type { KvmAnswer, SevCalls } from '../kvm/sev-calls.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { firmwareErrorText } from './firmware-error.ts';
import { dropsSomething, glibBase64 } from './glib-base64.ts';
import type { HostPorts } from './host-ports.ts';
import { whyNotMemory } from './memory-map.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { SEV_MESSAGES } from './sev-messages.ts';
import type { SevObject } from './sev-object.ts';

/** QEMU's own copy of the guest's state; it never asks GUEST_STATUS (target/i386/sev.c: SevState). */
export const SEV_STATES = ['uninit', 'launch-update', 'launch-secret', 'running'] as const;
export type SevStateName = (typeof SEV_STATES)[number];

/** A SEV guest as QEMU knows it; plain data. */
export interface SevLaunch {
  readonly object: SevObject;
  readonly apiMajor: number;
  readonly apiMinor: number;
  readonly build: number;
  state: SevStateName;
  /** MEASURE and MNONCE, once there. */
  measurement: Uint8Array | undefined;
  /** How many secrets it was given. */
  injections: number;
}

/** QEMU ends: what it writes to standard error, a line each, and its exit status. */
export class QemuExit extends Error {
  readonly lines: readonly string[];
  readonly status: number;

  constructor(lines: readonly string[], status = 1) {
    super(lines.join('\n'));
    this.name = 'QemuExit';
    this.lines = lines;
    this.status = status;
  }
}

const MNONCE_SIZE = 16;

/** Lines of `-accel kvm`, which gives up. */
const accelFailed = (...lines: string[]): QemuExit =>
  new QemuExit([...lines, SEV_MESSAGES['no KVM']].map((line) => `-accel kvm: ${line}`));

/** The places of an answer in QEMU's messages. */
export const told = ({ ret, fwError }: Pick<KvmAnswer, 'ret' | 'fwError'>) => ({
  ret,
  status: fwError,
  text: firmwareErrorText(fwError),
});

/** From KVM's start to LAUNCH_START (target/i386/sev.c: sev_kvm_init). Throws QemuExit. */
export function startLaunch(
  calls: SevCalls,
  object: SevObject,
  { irqchip, ports }: { readonly irqchip: boolean; readonly ports: Pick<HostPorts, 'readFile' | 'remark'> },
): SevLaunch {
  const { ret, fwError, apiMajor, apiMinor, build } = calls.platformStatus();
  if (ret !== 0) throw accelFailed(fillForm(SEV_MESSAGES['no platform status'], told({ ret, fwError })));
  const es = hasPolicy(object.policy, 'ES');
  if (es && !irqchip) throw new QemuExit([`-accel kvm: ${SEV_MESSAGES['no irqchip']}`]);
  const init = calls.init(es);
  if (init.ret !== 0) throw accelFailed(fillForm(SEV_MESSAGES['not initialized'], told(init)));
  const noContext = SEV_MESSAGES['no context'];
  const read = (path: string): Uint8Array | undefined => {
    if (path === '') return undefined;
    const bytes = ports.readFile(path);
    if (typeof bytes !== 'string') return glibBase64(new TextDecoder('latin1').decode(bytes));
    throw accelFailed(fillForm(SEV_MESSAGES['no file'], { path, why: bytes }), noContext);
  };
  const session = read(object['session-file']);
  const dhCert = read(object['dh-cert-file']);
  if (session === undefined) ports.remark({ kind: 'no session' });
  const { policy, handle } = object;
  const start = calls.launchStart({ policy, handle, ...(dhCert && { dhCert }), ...(session && { session }) });
  if (start.ret !== 0) {
    ports.remark({ kind: 'refused', call: 'LAUNCH_START', answer: start });
    throw accelFailed(
      fillForm(SEV_MESSAGES['start refused'], told({ ret: 1, fwError: start.fwError })),
      noContext,
    );
  }
  object.handle = start.handle;
  const unmeasured = { state: 'launch-update', measurement: undefined, injections: 0 } as const;
  return { object, apiMajor, apiMinor, build, ...unmeasured };
}

/** LAUNCH_UPDATE_DATA of the whole of flash unit 0 (sev_encrypt_flash). Throws QemuExit. */
export function measureFlash(launch: SevLaunch, calls: SevCalls, at: Gpa, length: number): void {
  updateData(launch, calls, at, length, SEV_MESSAGES['flash not encrypted']);
}

function updateData(launch: SevLaunch, calls: SevCalls, at: Gpa, length: number, failure: string): void {
  if (launch.state !== 'launch-update') return;
  const answer = calls.launchUpdateData(at, length);
  if (answer.ret === 0) return;
  throw new QemuExit([fillForm(SEV_MESSAGES['update refused'], told(answer)), failure]);
}

/** The table of hashes for the firmware, where it wants it (sev_add_kernel_loader_hashes). Throws QemuExit. */
export function measureHashes(
  launch: SevLaunch,
  calls: SevCalls,
  {
    table,
    boot,
    ports,
  }: {
    readonly table: GuidedTable;
    readonly boot: DirectBoot;
    readonly ports: Pick<HostPorts, 'writeGuest' | 'remark'>;
  },
): void {
  if (!launch.object['kernel-hashes']) {
    ports.remark({ kind: 'kernel not measured' });
    return;
  }
  if (findEntry(table, SEV_HASH_TABLE_BLOCK_GUID) === undefined)
    throw new QemuExit([SEV_MESSAGES['no hashes area']]);
  const { base = 0, size = 0 } = findArea(table, SEV_HASH_TABLE_BLOCK_GUID) ?? {};
  if (base === 0 || size < HASHES_TABLE_SIZE) {
    const area = { base: base.toString(16), size: size.toString(16) };
    throw new QemuExit([fillForm(SEV_MESSAGES['bad hashes area'], area)]);
  }
  ports.writeGuest(gpa(BigInt(base)), hashesTable(boot));
  updateData(launch, calls, gpa(BigInt(base)), HASHES_TABLE_SIZE, SEV_MESSAGES['hashes not encrypted']);
}

/**
 * LAUNCH_UPDATE_VMSA for SEV-ES, then LAUNCH_MEASURE, first for its length (sev_launch_get_measure). A measurement that
 * fails does not end QEMU: what comes back is what it says. Throws QemuExit.
 */
export function measureGuest(launch: SevLaunch, calls: SevCalls): readonly string[] {
  if (launch.state !== 'launch-update') return [];
  if (hasPolicy(launch.object.policy, 'ES')) {
    const answer = calls.launchUpdateVmsa();
    if (answer.ret !== 0) throw new QemuExit([fillForm(SEV_MESSAGES['VMSA refused'], told(answer))]);
  }
  const { length, ...question } = calls.launchMeasure(0);
  const answer = length === 0 ? question : calls.launchMeasure(length);
  if (length === 0 || answer.ret !== 0) {
    // QEMU looks the errno up among the statuses
    return [
      fillForm(SEV_MESSAGES['measure refused'], { ...told(answer), text: firmwareErrorText(-answer.ret) }),
    ];
  }
  launch.measurement = answer.bytes;
  launch.state = 'launch-secret';
  return [];
}

/** LAUNCH_FINISH, at the first `cont` (sev_launch_finish). Throws QemuExit. */
export function finishLaunch(launch: SevLaunch, calls: SevCalls): void {
  if (launch.state === 'running') return;
  const answer = calls.launchFinish();
  if (answer.ret !== 0) throw new QemuExit([fillForm(SEV_MESSAGES['finish refused'], told(answer))]);
  launch.state = 'running';
}

/** `query-sev-launch-measure`, Base64. Throws QmpError. */
export function launchMeasurement(launch: SevLaunch | undefined): string {
  if (launch?.measurement === undefined) throw new QmpError(SEV_MESSAGES['no measurement']);
  return toBase64(launch.measurement);
}

/** What QEMU looks at when a secret is to be injected. */
export interface Injection {
  /** Base64. */
  readonly header: string;
  readonly secret: string;
  /** Default: where the firmware's table says, even if that is 0. */
  readonly gpa: bigint | undefined;
}

/** `sev-inject-launch-secret`, its checks in QEMU's order (sev_inject_launch_secret). Throws QmpError. */
export function injectSecret(
  launch: SevLaunch | undefined,
  calls: SevCalls,
  { table, map, ports }: Pick<QemuMachine, 'table' | 'map' | 'ports'>,
  { header, secret, gpa: given }: Injection,
): void {
  if (launch === undefined) throw new QmpError(SEV_MESSAGES['no SEV guest']);
  const announced = findEntry(table, SEV_SECRET_BLOCK_GUID);
  if (given === undefined && announced === undefined) throw new QmpError(SEV_MESSAGES['no secret area']);
  const target = gpa(given ?? BigInt(findArea(table, SEV_SECRET_BLOCK_GUID)?.base ?? 0));
  const state = SEV_STATES.indexOf(launch.state);
  if (launch.state !== 'launch-secret')
    throw new QmpError(fillForm(SEV_MESSAGES['not in LSECRET'], { state: state.toString(16) }));
  const headerBytes = glibBase64(header);
  if (headerBytes.length === 0) throw new QmpError(SEV_MESSAGES['no header']);
  const bytes = glibBase64(secret);
  if (bytes.length === 0) throw new QmpError(SEV_MESSAGES['no data']);
  const nowhere = whyNotMemory(map, target, bytes.length);
  if (nowhere !== undefined) throw new QmpError(fillForm(SEV_MESSAGES['no address'], { why: nowhere }));
  for (const [name, text] of [
    ['packet-header', header],
    ['secret', secret],
  ] as const)
    if (dropsSomething(text)) ports.remark({ kind: 'loose Base64', name, length: glibBase64(text).length });
  const area = findArea(table, SEV_SECRET_BLOCK_GUID);
  if (given === undefined && area?.base === 0) ports.remark({ kind: 'area 0/0' });
  else if (target !== BigInt(area?.base ?? -1)) ports.remark({ kind: 'outside area', at: target, area });
  else if (bytes.length > (area?.size ?? 0))
    ports.remark({ kind: 'beyond area', length: bytes.length, size: area?.size ?? 0 });
  if (launch.injections > 0) ports.remark({ kind: 'injected again' });
  const answer = calls.launchSecret({ header: headerBytes, gpa: target, secret: bytes });
  if (answer.ret === 0) {
    launch.injections++;
    return;
  }
  ports.remark({
    ...{ kind: 'refused', call: 'LAUNCH_SECRET', answer },
    packet: { header: headerBytes, secret: bytes, measurement: launch.measurement },
  });
  throw new QmpError(fillForm(SEV_MESSAGES['inject refused'], told(answer)));
}

/** `query-sev-attestation-report`, Base64 (sev_get_attestation_report). Throws QmpError. */
export function attestationReport(launch: SevLaunch | undefined, calls: SevCalls, mnonce: string): string {
  if (launch === undefined) throw new QmpError(SEV_MESSAGES['SEV not enabled']);
  const nonce = glibBase64(mnonce);
  if (nonce.length !== MNONCE_SIZE)
    throw new QmpError(fillForm(SEV_MESSAGES['bad mnonce'], { length: nonce.length }));
  const { length, ret, fwError } = calls.attestationReport(new Uint8Array(MNONCE_SIZE), 0);
  if (length === 0) throw new QmpError(fillForm(SEV_MESSAGES['no report length'], told({ ret, fwError })));
  const report = calls.attestationReport(nonce, length);
  if (report.ret !== 0) throw new QmpError(fillForm(SEV_MESSAGES['no report'], told(report)));
  return toBase64(report.bytes);
}
