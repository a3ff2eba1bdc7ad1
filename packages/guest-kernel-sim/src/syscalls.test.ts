import { readFileSync } from 'node:fs';
import { createObserver } from '@sevlab/ambient/observer';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import type { Kernel } from './kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { ROOT, type User } from './user.ts';

const parse: { vectors: { id: string; area_hex: string }[] } = JSON.parse(
  readFileSync(new URL('../test/vectors/efi-secret-parse.json', import.meta.url), 'utf8'),
);

const SECRETS = '/sys/kernel/security/secrets';
const D = `${SECRETS}/coco`;
const F = `${D}/e6f5a162-d67f-4750-a67c-5d065f2a9910`;
const N = `${D}/new`;

const MEMBER: User = { uid: 1000, gid: 1000, groups: [0] };

function boot(name: string): Kernel {
  const observer = createObserver({ record: true });
  const area = fromHex(parse.vectors.find(({ id }) => id === '01-doc4')!.area_hex);
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    context.memory.writePrivate(PLAIN_GUEST.area, area);
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile(name),
      observer,
    });
  });
}

describe('a deleted secret', () => {
  const paths = [D, SECRETS] as const;
  it.each([
    ['5.19', true],
    ['6.1.148', true],
    ['6.12.42', true],
    ['6.1', false],
    ['6.12', false],
    ['7.3', false],
  ] as const)('on %s moves the times of the directory: %s', (name, moves) => {
    const kernel = boot(name);
    const sys = kernel.as(ROOT);
    const before = paths.map((path) => sys.stat(path));
    kernel.observer.clock.now += 60_000_000_000n;
    sys.unlink(F);
    const [coco, secrets] = paths.map((path) => sys.stat(path));
    expect(coco!.mtime > before[0]!.mtime).toBe(moves);
    expect(coco!.ctime > before[0]!.ctime).toBe(moves);
    expect(secrets).toEqual(before[1]);
    expect(coco!.nlink).toBe(2);
  });

  it('is data and name zeroed, length kept, and nothing else', () => {
    const kernel = boot('6.1');
    const before = kernel.memory.readPrivate(PLAIN_GUEST.area, 166);
    kernel.as(ROOT).unlink(F);
    const expected = before.slice();
    expected.fill(0, 112, 128); // the last entry's GUID
    expected.fill(0, 132, 166); // its data; the length lies between
    expect(kernel.memory.readPrivate(PLAIN_GUEST.area, 166)).toEqual(expected);
    expect(before.subarray(128, 132)).toEqual(new Uint8Array([0x36, 0, 0, 0]));
  });

  it('stays when the user may not delete it', () => {
    const kernel = boot('6.1');
    const before = kernel.memory.readPrivate(PLAIN_GUEST.area, 166);
    expect(() => kernel.as(MEMBER).unlink(F)).toThrow(/EACCES/);
    expect(kernel.memory.readPrivate(PLAIN_GUEST.area, 166)).toEqual(before);
  });

  it('wipes with the length that the entry has at that time, if its area can hold it', () => {
    const kernel = boot('6.1');
    const length = (value: number): void =>
      kernel.memory.writePrivate(
        (PLAIN_GUEST.area + 128n) as typeof PLAIN_GUEST.area,
        new Uint8Array(new Uint32Array([value]).buffer),
      );
    const sys = kernel.as(ROOT);
    for (const value of [19, 0, 0xc00, 0xffff_ffff]) {
      length(value);
      expect(() => sys.readFile(F)).toThrow(/EFAULT/);
      expect(() => sys.unlink(F)).toThrow(/EFAULT/);
    }
    length(20 + 4);
    sys.unlink(F);
    expect(toHex(kernel.memory.readPrivate(PLAIN_GUEST.area, 166).subarray(112))).toBe(
      `${'00'.repeat(16)}18000000${'00'.repeat(4)}652d6172652d7468652d6b6174612d736563726574730001020304050607`,
    );
  });
});

describe('removing the module', () => {
  const release = (name: string): Kernel => {
    const kernel = boot(name);
    const fd = kernel.as(ROOT).open(D);
    kernel.run('rmmod efi_secret');
    kernel.as(ROOT).close(fd);
    return kernel;
  };

  it('up to 6.16 leaves `secrets` for ever when somebody is in the directory', () => {
    const kernel = release('6.12');
    expect(kernel.run(`ls ${SECRETS}`)).toMatchObject({ output: '', status: 0 });
    kernel.run('modprobe efi_secret');
    expect(
      kernel
        .dmesg()
        .slice(-2)
        .map((line) => line.replace(/^.*\] /, '')),
    ).toEqual([
      'efi_secret efi_secret.0: Error creating secrets securityfs directory entry err=-17',
      'efi_secret efi_secret.0: probe with driver efi_secret failed with error -17',
    ]);
  });

  it('since 6.17 takes the tree away', () => {
    const kernel = release('7.3');
    expect(kernel.run(`ls ${SECRETS}`).status).toBe(2);
    kernel.run('modprobe efi_secret');
    expect(kernel.run(`ls ${D}`).output.split('\n').length).toBe(5);
  });
});

it('observes each call on securityfs once, with the bytes that were read', () => {
  const kernel = boot('6.1');
  const sys = kernel.as(ROOT);
  const from = kernel.observer.events.length;
  const fd = sys.open(F);
  sys.read(fd, 5);
  sys.close(fd);
  expect(() => sys.mkdir(N)).toThrow(/EPERM/);
  sys.stat('/proc/iomem');
  const events = kernel.observer.events.slice(from).filter(({ type }) => type === 'syscall');
  expect(events.map((event) => event.type === 'syscall' && [event.name, event.path, event.result])).toEqual([
    ['open', F, fd],
    ['read', F, 5],
    ['close', F, 0],
    ['mkdir', N, '-EPERM'],
  ]);
  expect(events.map(({ closed: { data } = {} }) => data && toHex(data))).toEqual([
    undefined,
    '7468657365',
    undefined,
    undefined,
  ]);
});
