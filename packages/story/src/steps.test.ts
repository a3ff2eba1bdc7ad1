import { spa } from '@sevlab/codec/address';
import { padTo } from '@sevlab/codec/bytes';
import { LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { expect, test } from 'vitest';
import { access, type Given, recorded, trace } from '../test/events.ts';
import { STAGES } from './stages.ts';
import { stepsOf } from './steps.ts';

const kinds = (...given: readonly Given[]) =>
  stepsOf(trace(...given)).map(({ kind, first, last }) => [kind, first, last]);

const ring = (name: string, bufferPaddr = '0x10') =>
  ({ type: 'command', actor: 'host', to: 'amd-sp', name, id: 1, bufferPaddr }) as const;
const answer = (name: string, status = 'SUCCESS', code = 0) =>
  ({ type: 'status', actor: 'amd-sp', to: 'host', name, status, code }) as const;
const check = (name: string, condition: string, held: boolean, status = 'INVALID_LENGTH') =>
  ({ type: 'precondition', actor: 'amd-sp', to: 'amd-sp', name, condition, held, status }) as const;
const typed = { pause: 20e9 };
const stat = { type: 'syscall', actor: 'user', to: 'kernel', name: 'stat', path: '/x', result: 0 } as const;
const shell = { type: 'shell', actor: 'user', to: 'kernel', command: 'ls', status: 0 } as const;
const log = { type: 'printk', actor: 'kernel', to: 'user', level: 6, line: 'hello' } as const;
const uevent = { type: 'uevent', actor: 'kernel', to: 'user', action: 'bind', devpath: '/d' } as const;

test('a command has its buffer on the way in, its checks, its memory, its status and its buffer on the way out', () => {
  expect(
    kinds(
      access('host', 'write', '0x99', 4),
      access('host', 'write', '0x10', 4),
      access('amd-sp', 'read', '0x10', 4),
      ring('INIT'),
      check('INIT', 'a', true),
      access('amd-sp', 'write', '0x50', 4),
      answer('INIT'),
      access('host', 'read', '0x10', 4),
      access('host', 'read', '0x50', 4),
      ring('NOP', '0x0'),
      answer('NOP'),
    ),
  ).toEqual([
    ['host-memory', 0, 0],
    ['command', 1, 7],
    ['host-memory', 8, 8],
    ['command', 9, 10],
  ]);
});

test('a call of KVM belongs to what it did last, unless KVM refused it by itself; a message of QMP is a step', () => {
  const kvm = (call: string, ret = 0, fwError = 0): Given => ({
    type: 'kvm',
    actor: 'host',
    call,
    ret,
    fwError,
  });
  const qmp = (from: 'client' | 'vmm'): Given => ({ type: 'qmp', actor: 'host', from, text: '{}' });
  const given = [
    ...[ring('LAUNCH_START'), answer('LAUNCH_START'), ring('ACTIVATE'), answer('ACTIVATE')],
    kvm('KVM_SEV_LAUNCH_START'),
    ...[ring('LAUNCH_MEASURE'), answer('LAUNCH_MEASURE'), access('host', 'read', '0x50', 48)],
    kvm('KVM_SEV_LAUNCH_MEASURE'),
    ...[qmp('client'), kvm('KVM_SEV_LAUNCH_SECRET', -22), qmp('vmm')],
    ...[ring('LAUNCH_SECRET'), answer('LAUNCH_SECRET', 'BAD_MEASUREMENT', 11)],
    ...[kvm('KVM_SEV_LAUNCH_SECRET', -5, 11), kvm('KVM_SEV_LAUNCH_SECRET', -22)],
  ];
  expect(kinds(...given)).toEqual([
    ['command', 0, 1],
    ['command', 2, 4],
    ['command', 5, 6],
    ['host-memory', 7, 8],
    ['qmp', 9, 9],
    ['kvm', 10, 10],
    ['qmp', 11, 11],
    ['command', 12, 14],
    ['kvm', 15, 15],
  ]);
  const [refused] = stepsOf(trace(...given)).filter(({ kind }) => kind === 'kvm');
  expect(refused?.sentence).toBe('The VMM called KVM_SEV_LAUNCH_SECRET, and KVM answered -22.');
});

test('a buffer of another command is not this one’s', () => {
  expect(kinds(access('host', 'write', '0x11', 4), ring('NOP', '0x10'), answer('NOP')).at(0)).toEqual([
    'host-memory',
    0,
    0,
  ]);
  expect(kinds(ring('NOP'), answer('NOP'), access('host', 'read', '0x11', 4)).at(-1)).toEqual([
    'host-memory',
    2,
    2,
  ]);
});

test('consecutive uses of memory by the host are one step', () => {
  expect(
    kinds(
      access('host', 'write', '0x99', 4),
      { type: 'remap', actor: 'host', gpa: '0x1000', spa: '0x2000' },
      access('disk', 'write', '0x99', 4),
      { type: 'vmrun', actor: 'host', asid: 1 },
    ),
  ).toEqual([
    ['host-memory', 0, 2],
    ['vmrun', 3, 3],
  ]);
});

test('firmware, hand-over, kernel, driver, shell commands: each is a step', () => {
  expect(
    kinds(
      { type: 'vmrun', actor: 'host', asid: 1 },
      access('firmware', 'read', '0x1000', 4),
      access('firmware', 'write', '0x1000', 4),
      { type: 'handover', actor: 'firmware', bootParams: '0x1', systemTable: '0x2', memoryMap: '0x3' },
      log,
      { ...uevent, action: 'add' },
      { ...uevent, action: 'add' },
      access('kernel', 'read', '0x1000', 4),
      uevent,
      { ...stat, ...typed },
      access('kernel', 'read', '0x1000', 4),
      stat,
      shell,
      { ...uevent, action: 'unbind', ...typed },
      shell,
      { ...shell, ...typed },
      { ...stat, ...typed },
    ),
  ).toEqual([
    ['vmrun', 0, 0],
    ['firmware', 1, 2],
    ['handover', 3, 3],
    ['kernel', 4, 5],
    ['kernel', 6, 8],
    ['shell', 9, 12],
    ['shell', 13, 14],
    ['shell', 15, 15],
    ['shell', 16, 16],
  ]);
});

test('what the kernel logs for the first command that is typed is no longer its boot', () => {
  expect(kinds(log, { ...log, ...typed }, shell)).toEqual([
    ['kernel', 0, 0],
    ['shell', 1, 2],
  ]);
});

test('a disk that the running guest asks belongs to the command that asked', () => {
  expect(
    kinds({ ...stat, ...typed }, access('disk', 'write', '0x9', 4), shell, access('disk', 'read', '0x9', 4)),
  ).toEqual([
    ['shell', 0, 2],
    ['host-memory', 3, 3],
  ]);
});

test('the host between two shell commands is a step of its own', () => {
  expect(kinds(stat, shell, access('host', 'write', '0x9', 4), { ...stat, ...typed }, shell)).toEqual([
    ['shell', 0, 1],
    ['host-memory', 2, 2],
    ['shell', 3, 4],
  ]);
});

test('the recorded run goes through the stages in their order', () => {
  const stages = stepsOf(recorded.events).map(({ stage }) => STAGES.findIndex(({ id }) => id === stage));
  expect(stages).toEqual([...stages].sort((a, b) => a - b));
  expect(new Set(stages)).toEqual(new Set(STAGES.map((_, i) => i)));
});

test('the recorded run, step by step', () => {
  const told = stepsOf(recorded.events).map(({ stage, kind, title }) => `${stage}/${kind}: ${title}`);
  expect(told).toMatchObject([
    expect.stringContaining('platform/command: INIT'),
    expect.stringContaining('platform/command: DF_FLUSH'),
    expect.stringContaining('platform/command: PLATFORM_STATUS'),
    expect.stringContaining('platform/command: PDH_CERT_EXPORT'),
    'platform/host-memory: The host reads memory',
    'owner-offer/message: The certificates go to the guest owner',
    'owner-offer/verdict: The guest owner accepts the certificates',
    'owner-offer/message: The guest owner sends its certificate and the session',
    'launch/host-memory: The host places bytes in memory',
    expect.stringContaining('launch/command: LAUNCH_START'),
    expect.stringContaining('launch/command: ACTIVATE'),
    'launch/host-memory: The host places bytes in memory',
    expect.stringContaining('launch/command: LAUNCH_UPDATE_DATA'),
    expect.stringContaining('launch/command: LAUNCH_MEASURE'),
    'launch/host-memory: The host reads memory',
    'verify-and-seal/message: The measurement goes to the guest owner',
    'verify-and-seal/verdict: The guest owner accepts the measurement',
    'verify-and-seal/message: The guest owner sends the sealed secrets',
    'inject/host-memory: The host places bytes in memory',
    'inject/command: LAUNCH_SECRET: refused with BAD_MEASUREMENT',
    'inject/host-memory: The host places bytes in memory',
    expect.stringContaining('inject/command: LAUNCH_SECRET: a sealed packet'),
    expect.stringContaining('inject/command: LAUNCH_FINISH'),
    'firmware/vmrun: VMRUN: the guest starts',
    'firmware/firmware: The firmware runs from encrypted memory',
    'firmware/handover: The firmware hands over to the kernel',
    'kernel/kernel: The kernel finds the EFI tables and registers efi_secret.0',
    'kernel/kernel: The driver efi_secret reads the secret area',
    expect.stringContaining('user-space/shell: Shell: ls -la'),
    expect.stringContaining('user-space/shell: Shell: hd '),
    expect.stringContaining('user-space/shell: Shell: rm '),
    expect.stringContaining('user-space/shell: Shell: ls -la'),
    expect.stringContaining('user-space/shell: Shell: decrypt-file'),
    expect.stringContaining('user-space/shell: Shell: modprobe'),
    expect.stringContaining('user-space/shell: Shell: rmmod'),
  ]);
});

test('a command that failed names the check that decided', () => {
  const [step] = stepsOf(
    trace(
      ring('LAUNCH_SECRET'),
      check('LAUNCH_SECRET', 'platform is WORKING', true, 'INVALID_PLATFORM_STATE'),
      check('LAUNCH_SECRET', 'GUEST_LEN is not 0', false),
      answer('LAUNCH_SECRET', 'INVALID_LENGTH', 4),
    ),
  );
  expect(step).toMatchObject({
    decidedBy: { condition: 'GUEST_LEN is not 0', status: 'INVALID_LENGTH' },
    title: 'LAUNCH_SECRET: refused with INVALID_LENGTH',
    clause: '55766, LAUNCH_SECRET',
  });
  expect(step?.sentence).toContain('"GUEST_LEN is not 0" did not hold');
  expect(step?.sentence).toContain('INVALID_LENGTH (0x0004)');
  expect(step?.sentence).toContain('It wrote nothing to memory.');
});

test('a command that failed on the way tells what it wrote before', () => {
  const [step] = stepsOf(
    trace(
      ring('PDH_CERT_EXPORT'),
      access('amd-sp', 'write', '0x50', 2084),
      answer('PDH_CERT_EXPORT', 'INVALID_ADDRESS', 9),
    ),
  );
  expect(step?.decidedBy).toBeUndefined();
  expect(step?.sentence).toContain('had written 2084 bytes');
});

test('a command is told from its buffer', () => {
  const buffer = padTo(
    LaunchSecretBuffer.encode({
      ...{ handle: 3, hdrPaddr: spa(0x1000n), hdrLen: 52, guestPaddr: spa(0x1_0081_0000n) },
      ...{ guestLen: 160, transPaddr: spa(0x2000n), transLen: 160 },
    }),
    LaunchSecretBuffer.paddedSize,
  );
  const [step] = stepsOf(trace({ ...ring('LAUNCH_SECRET'), open: { buffer } }, answer('LAUNCH_SECRET')));
  for (const place of ['0x1000', '0x2000', '0x100810000', '160 bytes'])
    expect(step?.sentence).toContain(place);
});

test('steps tell which memory they touched', () => {
  const steps = stepsOf(recorded.events);
  const secret = steps.find(({ title }) => title.includes('sealed packet is opened'));
  expect(secret?.writes).toMatchObject([
    { actor: 'host', view: 'raw', length: 56 }, // the command buffer
    { actor: 'amd-sp', view: 'private', length: 160, segments: [{ length: 160 }] },
  ]);
  const rm = steps.find(({ title }) => title.startsWith('Shell: rm '));
  expect(rm?.writes?.map(({ actor, length }) => [actor, length])).toEqual([
    ['kernel', 19],
    ['kernel', 16],
  ]);
});
