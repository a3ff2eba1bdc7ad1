import { createHash } from 'node:crypto';
import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import { concat, equal, fromHex, toHex } from '@sevlab/codec/bytes';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { VmrunRefused } from '@sevlab/machine/machine';
import { GUEST_STATE } from '@sevlab/psp-sim/guest';
import { PLATFORM_STATE } from '@sevlab/psp-sim/secure-processor';
import { bindsLaunch, measureLaunch } from '@sevlab/sev-channel/measurement';
import type { CommandStep, FieldValue, PspCase, PspGiven } from '../case.ts';
import { GivenNotReached, type PspAnswer } from '../target.ts';
import type { Fields } from './raw-host.ts';
import {
  createPlatform,
  flushCaches,
  initFields,
  locateWhole,
  meetTenant,
  NO_STATUS,
  type Platform,
  type Serve,
  secretFields,
  startFields,
} from './sim-platform.ts';
import { sealFaulty, type Tenant, TIK } from './tenant.ts';

/** An ASID for a guest without SEV-ES. */
const ASID = 100;
/** `target`: where in the guest, and how many bytes. */
const TARGET: Gpa = gpa(0x10_0000n);
const TARGET_SIZE = 0x1_0000;
const GUEST_SIZE = 0x20_0000n;
/** Above all memory that the SEV firmware takes. */
const UNUSABLE = 0x4000_0000_0000n;
/** Below 4 GiB, where devices are. */
const HOLE = 0x9000_0000n;
const DEFAULT_POLICY = 1;

/** A run of one case. */
interface Run {
  readonly platform: Platform;
  readonly policy: number;
  readonly guest: number;
  readonly target: Spa;
  tenant: Tenant | undefined;
  handle: number;
  guestPolicy: number;
  asid: number | undefined;
  measurement: LaunchMeasurement | undefined;
  /** What LAUNCH_UPDATE_DATA measured, in order. */
  readonly measured: Uint8Array[];
  /** The target's cells before the first step. */
  start: Uint8Array;
  /** And before the last command. */
  before: Uint8Array;
  /** What the last command meant for the guest: `offset` in the target, and the packet's data if there was one. */
  meant: { readonly offset: number; readonly plain: Uint8Array; readonly data?: Uint8Array } | undefined;
}

/** Drives an AMD-SP through its registers as a case says. Throws GivenNotReached. */
export function answerPsp({ given, when }: PspCase, serve: Serve): PspAnswer {
  const run = begin(given, serve);
  const statuses: SevStatus[] = [];
  let out: Fields = {};
  for (const step of when) {
    if ('host' in step) {
      run.platform.raw.host.wbinvd();
      continue;
    }
    const issued = perform(run, step);
    statuses.push(issued.status);
    out = issued.fields;
  }
  return { statuses, ...see(run), out: specificationNames(out) };
}

function begin(given: PspGiven, serve: Serve): Run {
  const platform = createPlatform(serve, given.firmware);
  const { raw } = platform;
  const guest = raw.host.createGuest([{ gpa: gpa(0n), length: GUEST_SIZE }]);
  const policy = Number(given.policy ?? DEFAULT_POLICY);
  const target = locateWhole(raw, guest, TARGET, TARGET_SIZE);
  const untouched = new Uint8Array(TARGET_SIZE).fill(0xee);
  raw.host.memory.write(target, untouched);
  const run: Run = {
    ...{ platform, policy, guest, target, guestPolicy: policy, handle: 1, measured: [] },
    ...{ tenant: undefined, asid: undefined, measurement: undefined, meant: undefined },
    ...{ start: untouched, before: untouched },
  };
  if (given.platform === 'UNINIT') return run;
  raw.expect('INIT', initFields);
  if (given.platform === 'READY') flushCaches(raw);
  run.tenant = meetTenant(raw);
  for (const step of givenSteps(given)) {
    const { status } = perform(run, step);
    if (status !== 'SUCCESS') throw new GivenNotReached(`${step.command} answered ${status}`);
  }
  return run;
}

function givenSteps({ guest, without = [] }: PspGiven): CommandStep[] {
  if (guest === undefined) return [];
  const steps: CommandStep[] = [{ command: 'LAUNCH_START' }];
  if (!without.includes('asid')) steps.push({ command: 'ACTIVATE' });
  if (guest !== 'LUPDATE') steps.push({ command: 'LAUNCH_MEASURE' });
  if (guest === 'RUNNING') steps.push({ command: 'LAUNCH_FINISH' });
  return steps;
}

/** Prepares the buffer, changes what the case changes, and rings. */
function perform(run: Run, step: CommandStep): { status: SevStatus; fields: Fields } {
  const { raw } = run.platform;
  const fields = { ...rightFields(run, step), ...changedFields(run, step) };
  if (step.command === 'LAUNCH_UPDATE_DATA') placeContent(run, step, fields);
  run.before = raw.host.memory.read(run.target, TARGET_SIZE);
  const issued = raw.issue(step.command, fields);
  if (issued.status === 'SUCCESS') remember(run, step, issued.fields);
  return issued;
}

function rightFields(run: Run, step: CommandStep): Fields {
  const { handle, platform, target, tenant } = run;
  const { raw } = platform;
  switch (step.command) {
    case 'INIT':
      return initFields;
    case 'PLATFORM_STATUS':
      return NO_STATUS;
    case 'SHUTDOWN':
    case 'PDH_GEN':
    case 'DF_FLUSH':
      return {};
    case 'ACTIVATE':
      return { handle, asid: ASID };
    case 'DEACTIVATE':
    case 'DECOMMISSION':
    case 'LAUNCH_FINISH':
      return { handle };
    case 'GUEST_STATUS':
      return { handle, policy: 0, asid: 0, state: 0 };
    case 'LAUNCH_START': {
      const policy = Number(step.session?.policy ?? run.policy);
      const none = new Uint8Array(0); // before INIT there is no PDH, and so no session
      return startFields(
        raw,
        policy,
        tenant?.certificate ?? none,
        tenant?.session(policy, step.session) ?? none,
      );
    }
    case 'LAUNCH_UPDATE_DATA':
      return { handle, paddr: target, length: contentOf(step).length };
    case 'LAUNCH_MEASURE': {
      const measurePaddr = raw.reserve(LaunchMeasurement.size);
      return { handle, measurePaddr, measureLen: LaunchMeasurement.size };
    }
    case 'LAUNCH_SECRET': {
      const plain = Uint8Array.from({ length: step.packet?.length ?? 64 }, (_, i) => 7 * i + 1);
      const packet = sealFaulty(plain, run.measurement, bindsLaunch(platform.version), step.packet);
      run.meant = { offset: 0, plain, data: packet.data };
      return secretFields(raw, handle, target, packet);
    }
  }
}

/** Changed fields under the names of the layout: GUEST_PADDR is guestPaddr. */
function changedFields(run: Run, { fields = {} }: CommandStep): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const number = resolve(run, value);
      return [layoutName(name), name.endsWith('PADDR') ? number : Number(number)];
    }),
  );
}

const layoutName = (name: string): string =>
  name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const specificationNames = (fields: Fields): Record<string, number> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
      Number(value),
    ]),
  );

function resolve(run: Run, value: FieldValue): bigint {
  const symbols: Readonly<Record<string, bigint>> = {
    target: run.target,
    unusable: UNUSABLE,
    hole: HOLE,
    guest: BigInt(run.handle),
  };
  const [, symbol = '', offset = '0'] = /^([a-z]+)(?:\+(\d+))?$/.exec(String(value)) ?? [];
  const base = symbols[symbol];
  return base === undefined ? BigInt(value) : base + BigInt(offset);
}

const contentOf = ({ content }: CommandStep): Uint8Array =>
  content === undefined ? new Uint8Array(4096).fill(0x41) : fromHex(content);

/** Puts what is to be measured where the command will find it, when that is in the target. */
function placeContent(run: Run, step: CommandStep, { paddr }: Fields): void {
  const plain = contentOf(step);
  const offset = Number(BigInt(paddr ?? 0) - run.target);
  if (offset < 0 || offset + plain.length > TARGET_SIZE) return;
  writeTarget(run, offset, plain);
  run.meant = { offset, plain };
}

function writeTarget({ platform, target }: Run, offset: number, bytes: Uint8Array): void {
  const { memory } = platform.raw.host;
  const cells = memory.read(target, TARGET_SIZE);
  cells.set(bytes, offset);
  memory.write(target, cells);
}

/** What a success changes for the commands that follow. */
function remember(run: Run, step: CommandStep, fields: Fields): void {
  const { memory } = run.platform.raw.host;
  const { handle, policy, asid, measurePaddr = 0n } = fields;
  switch (step.command) {
    case 'LAUNCH_START':
      run.handle = Number(handle);
      run.guestPolicy = Number(policy);
      break;
    case 'ACTIVATE':
      run.asid = Number(asid);
      break;
    case 'DEACTIVATE':
      run.asid = undefined;
      break;
    case 'LAUNCH_UPDATE_DATA':
      run.measured.push(contentOf(step));
      break;
    case 'LAUNCH_MEASURE': {
      const at = spa(BigInt(measurePaddr));
      run.measurement = LaunchMeasurement.decode(memory.read(at, LaunchMeasurement.size));
      break;
    }
  }
}

function see(run: Run): Omit<PspAnswer, 'statuses' | 'out'> {
  const { raw } = run.platform;
  const memory = seeMemory(run);
  const { state, guestCount } = raw.expect('PLATFORM_STATUS', NO_STATUS);
  const guest = raw.issue('GUEST_STATUS', { handle: run.handle, policy: 0, asid: 0, state: 0 });
  const { state: guestState } = guest.fields;
  return {
    memory,
    platformState: nameOf(PLATFORM_STATE, state),
    guestCount: Number(guestCount),
    ...(guest.status === 'SUCCESS' && { guestState: nameOf(GUEST_STATE, guestState) }),
    ...(run.measurement && { launchDigest: seeDigest(run, run.measurement) }),
    runnable: isRunnable(run),
  };
}

const nameOf = (states: Readonly<Record<string, number>>, number: number | bigint | undefined): string =>
  Object.keys(states).find((name) => states[name] === Number(number)) ?? `state ${number}`;

function seeMemory({ platform, asid, target, start, before, meant }: Run): string {
  const { host } = platform.raw;
  const cells = host.memory.read(target, TARGET_SIZE);
  if (meant !== undefined && asid !== undefined) {
    const { offset, plain, data } = meant;
    const end = offset + plain.length;
    const guestReads = platform.memory.readEncrypted(asid, spa(target + BigInt(offset)), plain.length);
    const hostReads = cells.subarray(offset, end);
    const around = (bytes: Uint8Array) => concat(bytes.subarray(0, offset), bytes.subarray(end));
    const hidden = !equal(hostReads, plain) && !(data && equal(hostReads, data));
    if (equal(guestReads, plain) && hidden && equal(around(cells), around(start))) return 'plaintext';
  }
  return equal(cells, before) ? 'unchanged' : 'changed otherwise';
}

/** The digest that a guest owner expects, if MEASURE vouches for it. */
function seeDigest({ platform, guestPolicy, measured }: Run, { measure, mnonce }: LaunchMeasurement): string {
  const digest = new Uint8Array(
    createHash('sha256')
      .update(concat(...measured))
      .digest(),
  );
  const expected = measureLaunch({
    tik: TIK,
    version: platform.version,
    policy: guestPolicy,
    digest,
    mnonce,
  });
  return equal(measure, expected) ? toHex(digest) : 'another';
}

function isRunnable({ platform, guest, asid }: Run): boolean {
  try {
    return platform.raw.host.vmrun(guest, asid ?? ASID, () => true);
  } catch (error) {
    if (error instanceof VmrunRefused) return false;
    throw error;
  }
}
