import { spa } from '@sevlab/codec/address';
import { fromHex } from '@sevlab/codec/bytes';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { CommandStep, GuestStep, HostStep, PspCase, PspGiven, PspThen } from '../case.ts';
import { GivenNotReached, type PspAnswer } from '../target.ts';
import { flipBit } from './faulty-certificate.ts';
import { contentOf, replyOf, rightFields, writeTarget } from './psp-fields.ts';
import { commandPassage, otherPassage } from './psp-passage.ts';
import { changedFields, forkRun, guestOf, type Run, resolve, switchOn, TARGET_SIZE, TOP } from './psp-run.ts';
import { see, sight } from './psp-see.ts';
import type { Fields, Issued } from './raw-host.ts';
import {
  createPlatform,
  flushCaches,
  meetTenant,
  type Platform,
  type Serve,
  type SimPlatform,
} from './sim-platform.ts';
import { keysOf, NO_KEYS } from './tenant.ts';

/** Drives a simulated AMD-SP through its registers as a case says. Throws GivenNotReached. */
export function answerPsp(testCase: PspCase, serve: Serve): PspAnswer {
  const { run, platform } = begun(testCase.given, serve);
  return goOn(testCase, forkRun(run, platform.fork()));
}

/** The same with a platform that was just switched on. Throws GivenNotReached. */
export const examinePsp = (testCase: PspCase, platform: Platform): PspAnswer =>
  goOn(testCase, begin(testCase.given, platform));

function goOn({ when, then, spec }: PspCase, run: Run): PspAnswer {
  const statuses: SevStatus[] = [];
  run.passages.length = 0; // those on the way to what the case starts from
  for (const step of when) {
    if (!('command' in step)) run.passages.push(otherPassage(step));
    if ('host' in step) act(run, step);
    else if ('guest' in step) write(run, step);
    else if ('see' in step) run.seen[step.see] = sight(run, step);
    else statuses.push(performAll(run, step));
  }
  const { status: _, ...asked } = { ...then, ...spec?.then };
  const seen = see(run, Object.keys(asked) as (keyof Omit<PspThen, 'status'>)[]); // keys of a literal type
  return { statuses, ...seen, passages: run.passages };
}

/** Runs that have come as far as a case starts from; the same start is not made twice. */
const remembered = new WeakMap<Serve, Map<string, Begun>>();

interface Begun {
  readonly run: Run;
  readonly platform: SimPlatform;
}

function begun(given: PspGiven, serve: Serve): Begun {
  const runs = remembered.get(serve) ?? new Map<string, Begun>();
  remembered.set(serve, runs);
  const key = JSON.stringify(given);
  const known = runs.get(key);
  if (known !== undefined) return known;
  const platform = createPlatform(serve, given.firmware);
  const made = { run: begin(given, platform), platform };
  runs.set(key, made);
  return made;
}

function begin(given: PspGiven, platform: Platform): Run {
  const run = switchOn(given, platform);
  if (given.platform === 'UNINIT') return run;
  prepare(run, { command: 'INIT' });
  if (given.platform === 'READY') flushCaches(run.platform.raw);
  run.tenant = meetTenant(run.platform.raw);
  for (const step of givenSteps(given)) prepare(run, step);
  return run;
}

function prepare(run: Run, step: CommandStep): void {
  const { status } = perform(run, step);
  if (status !== 'SUCCESS') throw new GivenNotReached(`${step.command} answered ${status}`);
}

function givenSteps({ guest, without = [] }: PspGiven): CommandStep[] {
  if (guest === undefined) return [];
  const steps: CommandStep[] = [{ command: 'LAUNCH_START' }];
  if (!without.includes('asid')) steps.push({ command: 'ACTIVATE' });
  if (guest !== 'LUPDATE') steps.push({ command: 'LAUNCH_MEASURE' });
  if (guest === 'RUNNING') steps.push({ command: 'LAUNCH_FINISH' });
  return steps;
}

function act(run: Run, step: HostStep): void {
  const { host } = run.platform.raw;
  if (step.host === 'WBINVD') {
    host.wbinvd(step.core);
    return;
  }
  const at = spa(resolve(run, step.at));
  switch (step.host) {
    case 'write':
      host.memory.write(at, fromHex(step.bytes));
      break;
    case 'copy':
      host.memory.write(at, host.memory.read(spa(resolve(run, step.from)), step.length));
      break;
    case 'flip': {
      const cells = host.memory.read(at, Math.floor(step.bit / 8) + 1);
      flipBit(cells, step.bit);
      host.memory.write(at, cells);
      break;
    }
  }
}

function write(run: Run, { who, at, bytes }: GuestStep): void {
  const { asid } = guestOf(run, who);
  if (asid === undefined) throw new GivenNotReached('a guest without an ASID writes nothing');
  run.platform.memory.writeEncrypted(asid, spa(resolve(run, at, who)), fromHex(bytes));
}

/** As often as the step says. Gives the one status, or the first that is another. */
function performAll(run: Run, step: CommandStep): SevStatus {
  const { status } = performTold(run, step);
  for (let i = 1; i < (step.times ?? 1); i++) {
    const again = perform(run, step);
    if (again.status !== status) return again.status;
  }
  return status;
}

/** The same, and it can be read in the passages of the run. */
function performTold(run: Run, step: CommandStep): Issued {
  const fields = fieldsOf(run, step);
  const issued = perform(run, step, fields);
  run.passages.push(commandPassage(run, step, fields, issued));
  return issued;
}

/** What is right, and over that what the case changes. */
const fieldsOf = (run: Run, step: CommandStep): Fields => ({
  ...rightFields(run, step),
  ...changedFields(run, step),
});

/** Prepares the buffer and rings. */
function perform(run: Run, step: CommandStep, fields: Fields = fieldsOf(run, step)): Issued {
  const { raw } = run.platform;
  const measured = measuredBy(run, step, fields);
  run.before = raw.host.memory.read(run.target, TARGET_SIZE);
  run.reply = replyOf(step.command, fields) ?? run.reply;
  const unreadable = ['unusable', 'hole'].includes(String(step.buffer));
  const buffer = step.buffer === undefined ? undefined : spa(resolve(run, step.buffer));
  const issued = raw.issue(step.command, fields, { reserved: step.reserved, buffer, unreadable });
  run.last = issued;
  const measures = step.measured ?? (issued.status === 'SUCCESS' ? measured?.length : undefined);
  if (measures !== undefined)
    run.guests[step.who ?? run.latest]?.measured.push(measured!.subarray(0, measures));
  if (issued.status === 'SUCCESS') remember(run, step, { ...fields, ...issued.fields });
  return issued;
}

/** What the command will measure: the step's content, put where it will be found, or whatever lies there. */
function measuredBy(run: Run, step: CommandStep, fields: Fields): Uint8Array | undefined {
  if (step.command !== 'LAUNCH_UPDATE_DATA' && step.command !== 'LAUNCH_UPDATE_VMSA') return undefined;
  const { memory } = run.platform.raw.host;
  const paddr = BigInt(Number(fields.paddr));
  const plain = contentOf(step);
  if (plain === undefined) return memory.read(spa(paddr), Number(fields.length));
  const offset = Number(paddr - run.target);
  if (offset >= 0 && offset + plain.length <= TARGET_SIZE) {
    writeTarget(run, offset, plain);
    run.meant = { offset, plain };
  } else if (paddr < TOP) memory.write(spa(paddr), plain.subarray(0, Number(TOP - paddr)));
  return plain;
}

/** What a success changes for the commands that follow. */
function remember(run: Run, step: CommandStep, fields: Fields): void {
  const { memory } = run.platform.raw.host;
  const who = step.who ?? run.latest;
  const guest = run.guests[who];
  const read = (name: string, length: number) => memory.read(spa(BigInt(Number(fields[name]))), length);
  const reply = replyOf(step.command, fields);
  if (reply !== undefined) run.replies[step.command] = reply;
  switch (step.command) {
    case 'LAUNCH_START':
    case 'RECEIVE_START': {
      const keys = Number(fields.dhCertPaddr) === 0 ? NO_KEYS : keysOf(step.session?.keys);
      run.latest = step.who ?? 'first';
      run.guests[run.latest] = {
        ...{ handle: Number(fields.handle), policy: Number(fields.policy), keys },
        ...{ asid: undefined, measurement: undefined, measured: [] },
      };
      break;
    }
    case 'ACTIVATE':
    case 'ACTIVATE_EX':
      if (guest) guest.asid = Number(fields.asid);
      break;
    case 'DEACTIVATE':
      if (guest) guest.asid = undefined;
      break;
    case 'LAUNCH_MEASURE':
      if (guest) guest.measurement = LaunchMeasurement.decode(read('measurePaddr', LaunchMeasurement.size));
      break;
    case 'SEND_START':
      run.sentSession = read('sessionPaddr', LaunchSession.size);
      run.sentKeys = step.receiver === undefined ? run.tenant?.unwrap(run.sentSession) : undefined;
      break;
    case 'SEND_UPDATE_DATA':
    case 'SEND_UPDATE_VMSA':
      run.sentPacket = {
        header: read('hdrPaddr', PacketHeader.size),
        data: read('transPaddr', Number(fields.transLen)),
      };
      break;
  }
}
