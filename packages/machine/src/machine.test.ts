import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa, spa } from '@sevlab/codec/address';
import { toHex, utf8 } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import type { DiskStatus } from './devices/disk.ts';
import { createMachine, type GuestContext, type Machine, VmrunRefused } from './machine.ts';
import { PARTS, type PartName } from './part.ts';

const MIB = 1024n * 1024n;
const ASID = 100;
const REGIONS = [
  { gpa: gpa(0n), length: 4n * MIB },
  { gpa: gpa(16n * MIB), length: 2n * MIB },
];

function switchOn(part: PartName = 'genoa', record = false): Machine {
  const entropy = seededEntropy('known', 'machine');
  return createMachine({ part, encryption: 'XEX', entropy, observer: createObserver({ record }) });
}

function withGuest(record = false): { machine: Machine; guest: number } {
  const machine = switchOn('genoa', record);
  const guest = machine.host.createGuest(REGIONS);
  machine.secureProcessor.memory.installKey(ASID, seededEntropy('known', 'key').bytes(32));
  machine.secureProcessor.memory.setRunnable(ASID, true);
  return { machine, guest };
}

test('page states are the guest’s own: they change no byte, stay with the guest, and are told', () => {
  const { machine, guest } = withGuest(true);
  const page = gpa(0x3000n);
  machine.host.vmrun(guest, ASID, ({ memory }) => {
    memory.writePrivate(page, utf8('private'));
    memory.share(page, 2);
    expect([0x2fffn, 0x3000n, 0x4fffn, 0x5000n].map((at) => memory.isShared(gpa(at)))).toEqual([
      ...[false, true, true, false],
    ]);
    expect(toHex(memory.readPrivate(page, 7))).toBe(toHex(utf8('private')));
    expect(toHex(memory.readShared(page, 7))).not.toBe(toHex(utf8('private')));
    memory.unshare(page, 1);
  });
  const fork = machine.fork(createObserver());
  const shared = (of: Machine) =>
    of.host.resume(guest, ASID).memory.isShared(gpa(0x4000n)) &&
    !of.host.resume(guest, ASID).memory.isShared(page);
  expect([machine, fork].map(shared)).toEqual([true, true]);
  fork.host.resume(guest, ASID).memory.unshare(gpa(0x4000n), 1);
  expect([machine, fork].map(shared)).toEqual([true, false]);
  expect(machine.observer.events.filter(({ type }) => type === 'page-state')).toMatchObject([
    { gpa: '0x3000', pages: 2, shared: true },
    { gpa: '0x3000', pages: 1, shared: false },
  ]);
});

describe('VMRUN', () => {
  test('is refused while the AMD-SP has not made the ASID valid, and again afterwards', () => {
    const { machine, guest } = withGuest();
    const run = (asid: number) => machine.host.vmrun(guest, asid, () => 'ran');
    expect(run(ASID)).toBe('ran');
    expect(() => run(ASID + 1)).toThrow(VmrunRefused);
    expect(() => run(0)).toThrow('VMRUN refused: ASID 0 is not active');
    machine.secureProcessor.memory.setRunnable(ASID, false);
    expect(() => run(ASID)).toThrow(VmrunRefused);
    expect(() => machine.host.resume(guest, ASID)).toThrow(VmrunRefused);
  });

  test('a key alone does not make an ASID runnable', () => {
    const { machine, guest } = withGuest();
    machine.secureProcessor.memory.installKey(ASID + 1, new Uint8Array(32));
    expect(() => machine.host.vmrun(guest, ASID + 1, () => 0)).toThrow(VmrunRefused);
  });

  test('refusing runs nothing and leaves no trace', () => {
    const { machine, guest } = withGuest(true);
    const before = machine.observer.events.length;
    expect(() => machine.host.vmrun(guest, 7, () => expect.unreachable())).toThrow(VmrunRefused);
    expect(machine.observer.events).toHaveLength(before);
  });

  test('there is no guest 5', () => {
    const { machine } = withGuest();
    expect(() => machine.host.vmrun(5, ASID, () => 0)).toThrow(new RangeError('there is no guest 5'));
  });
});

test.each<[PartName, number]>([
  ['naples', 47 | (5 << 6)],
  ['rome', 47 | (5 << 6)],
  ['milan', 51 | (5 << 6)],
  ['genoa', 51 | (6 << 6)],
])('on %s the guest learns of SEV from CPUID 8000_001F and the SEV_STATUS MSR', (part, ebx) => {
  const machine = switchOn(part);
  const guest = machine.host.createGuest(REGIONS);
  machine.secureProcessor.memory.setRunnable(ASID, true);
  machine.host.vmrun(guest, ASID, ({ cpuid, rdmsr }) => {
    expect(cpuid(0x8000_001f)).toEqual({ eax: 2, ebx });
    expect(cpuid(0x8000_0008)).toEqual({ eax: 0, ebx: 0 });
    expect([rdmsr(0xc001_0131), rdmsr(0xc000_0080)]).toEqual([1n, 0n]);
  });
  expect(machine.secureProcessor.part).toBe(part);
  expect([16, 32]).toContain(PARTS[part].memoryKeySize);
});

test("guests' memory lies above 4 GiB, in frames of 2 MiB that no two share", () => {
  const { host } = switchOn();
  const first = host.createGuest([{ gpa: gpa(0xc0000n), length: 3n * MIB }]);
  const second = host.createGuest(REGIONS);
  expect(host.locate(first, gpa(0xc0000n), 16)).toEqual([{ spa: 0x1_000c_0000n, length: 16 }]);
  expect(host.locate(second, gpa(0n), 16)).toEqual([{ spa: 0x1_0040_0000n, length: 16 }]);
  expect(host.locate(second, gpa(16n * MIB), 16)).toEqual([{ spa: 0x1_0080_0000n, length: 16 }]);
});

test('locate joins what is contiguous and tells what is not there', () => {
  const { host } = switchOn();
  const guest = host.createGuest(REGIONS);
  const end = Number(4n * MIB);
  expect(host.locate(guest, gpa(0n), end)).toEqual([{ spa: 0x1_0000_0000n, length: end }]);
  expect(host.locate(guest, gpa(BigInt(end - 8)), 0x3000)).toEqual([
    { spa: 0x1_003f_fff8n, length: 8 },
    { spa: undefined, length: 0x3000 - 8 },
  ]);
  host.remap(guest, gpa(0x1000n), spa(0x2000_0000n));
  expect(host.locate(guest, gpa(0xff0n), 0x1020)).toEqual([
    { spa: 0x1_0000_0ff0n, length: 16 },
    { spa: 0x2000_0000n, length: 0x1000 },
    { spa: 0x1_0000_2000n, length: 16 },
  ]);
  expect(host.locate(guest, gpa(0x1000n), 0)).toEqual([]);
});

test('WBINVD is seen by the AMD-SP core by core, until it clears it', () => {
  const { host, secureProcessor } = switchOn();
  expect(secureProcessor.wbinvdDone()).toEqual([false, false, false, false]);
  expect(() => host.wbinvd(4)).toThrow(new RangeError('there is no core 4'));
  host.wbinvd(2);
  expect(secureProcessor.wbinvdDone()).toEqual([false, false, true, false]);
  host.wbinvd();
  expect(secureProcessor.wbinvdDone()).toEqual([true, true, true, true]);
  secureProcessor.clearWbinvd([0, 3]);
  expect(secureProcessor.wbinvdDone()).toEqual([false, true, true, false]);
  secureProcessor.clearWbinvd();
  expect(secureProcessor.wbinvdDone()).toEqual([false, false, false, false]);
});

test('the same entropy makes the same ciphertext, another start of the machine another', () => {
  const cells = (seed: string): string => {
    const entropy = seededEntropy(seed, 'machine');
    const machine = createMachine({ part: 'genoa', encryption: 'XEX', entropy, observer: createObserver() });
    machine.secureProcessor.memory.installKey(ASID, new Uint8Array(32));
    machine.secureProcessor.memory.writeEncrypted(spa(0x1000n), new Uint8Array(16), ASID);
    return toHex(machine.host.memory.read(spa(0x1000n), 16));
  };
  expect(cells('a')).toBe(cells('a'));
  expect(cells('a')).not.toBe(cells('b'));
});

test('the AMD-SP writes with any key; an ASID without one is our own fault', () => {
  const { machine, guest } = withGuest();
  const { memory } = machine.secureProcessor;
  memory.writeEncrypted(spa(0x1_0000_0000n), utf8('sixteen byte msg'), ASID);
  const read = machine.host.vmrun(guest, ASID, (guestHas) => guestHas.memory.readPrivate(gpa(0n), 16));
  expect(read).toEqual(utf8('sixteen byte msg'));
  expect(() => memory.writeEncrypted(spa(0n), new Uint8Array(16), 7)).toThrow('ASID 7 never had a key');
});

test('wiping the array that a key came in does not change the key', () => {
  const { machine } = withGuest();
  const key = Buffer.alloc(32, 1);
  machine.secureProcessor.memory.installKey(7, key);
  key.fill(0);
  machine.secureProcessor.memory.writeEncrypted(spa(0n), new Uint8Array(16), 7);
  machine.secureProcessor.memory.installKey(8, new Uint8Array(32).fill(1));
  expect(toHex(machine.memory.readEncrypted(8, spa(0n), 16))).toBe('00'.repeat(16));
});

describe('disk', () => {
  const image = () => Uint8Array.from({ length: 4 * 512 + 100 }, (_, i) => (i * 7) % 256);

  function submit(
    machine: Machine,
    guest: number,
    operation: 'read' | 'write',
    [sector, sectors]: readonly [number, number],
    buffer: Gpa,
  ): DiskStatus | undefined {
    return machine.host.vmrun(guest, ASID, ({ disk }) =>
      disk?.submit({ operation, sector, sectors, buffer }),
    );
  }

  test('a guest without an image has no disk', () => {
    const { machine, guest } = withGuest();
    expect(machine.host.vmrun(guest, ASID, ({ disk }) => disk)).toBeUndefined();
    expect(machine.host.disk(guest)).toBeUndefined();
  });

  test('reads into shared memory and writes from it, whole sectors only', () => {
    const { machine, guest } = withGuest();
    const disk = image();
    machine.host.attachDisk(guest, disk);
    expect(machine.host.vmrun(guest, ASID, (context) => context.disk?.sectors)).toBe(4);
    expect(submit(machine, guest, 'read', [1, 2], gpa(0x1100n))).toBe('OK');
    machine.host.vmrun(guest, ASID, ({ memory }) => {
      expect(memory.readShared(gpa(0x1100n), 1024)).toEqual(image().subarray(512, 1536));
      memory.writeShared(gpa(0x1100n), utf8('changed'));
    });
    expect(submit(machine, guest, 'write', [3, 1], gpa(0x1100n))).toBe('OK');
    expect(Buffer.from(disk.subarray(3 * 512, 3 * 512 + 7)).toString()).toBe('changed');
    expect(disk.subarray(0, 3 * 512)).toEqual(image().subarray(0, 3 * 512));
    expect(disk.subarray(4 * 512)).toEqual(image().subarray(4 * 512));
  });

  test('a private buffer gives the host ciphertext, and the guest reads garbage out of one', () => {
    const { machine, guest } = withGuest();
    const disk = image();
    machine.host.attachDisk(guest, disk);
    const secret = utf8('correct horse battery staple...!'.repeat(16));
    machine.host.vmrun(guest, ASID, ({ memory }) => memory.writePrivate(gpa(0x2000n), secret));
    expect(submit(machine, guest, 'write', [0, 1], gpa(0x2000n))).toBe('OK');
    expect(disk.subarray(0, 512)).toEqual(machine.host.memory.read(spa(0x1_0000_2000n), 512));
    expect(Buffer.from(disk).includes('horse')).toBe(false);
    expect(submit(machine, guest, 'read', [1, 1], gpa(0x2000n))).toBe('OK');
    const read = machine.host.vmrun(guest, ASID, ({ memory }) => memory.readPrivate(gpa(0x2000n), 512));
    expect(toHex(read.subarray(0, 16))).not.toBe(toHex(image().subarray(512, 528)));
  });

  test.each<[string, readonly [number, number], bigint]>([
    ['a sector behind the end', [4, 1], 0n],
    ['the part of a sector at the end', [3, 2], 0n],
    ['a sector before the start', [-1, 1], 0n],
    ['fewer sectors than none', [2, -1], 0n],
    ['a buffer where there is no memory', [0, 1], 8n * MIB],
    ['a buffer that runs out of memory', [0, 2], 4n * MIB - 512n],
  ])('%s is an error, and nothing is copied', (_, sectors, buffer) => {
    for (const operation of ['read', 'write'] as const) {
      const { machine, guest } = withGuest(true);
      const disk = image();
      machine.host.attachDisk(guest, disk);
      expect(submit(machine, guest, operation, sectors, gpa(buffer))).toBe('IOERR');
      expect(disk).toEqual(image());
      expect([...machine.host.memory.touchedPages()]).toEqual([]);
      expect(machine.observer.events.filter(({ actor }) => actor === 'disk')).toEqual([]);
    }
  });
});

describe('fork', () => {
  test('neither sees what the other does to memory, pages, keys, disk, registers and cores', () => {
    const { machine, guest } = withGuest();
    machine.host.attachDisk(guest, Buffer.alloc(512)); // as a file is read
    const write = (to: Machine, text: string) =>
      to.host.vmrun(guest, ASID, ({ memory }) => memory.writePrivate(gpa(0x1000n), utf8(text)));
    const read = (from: Machine) =>
      from.host.vmrun(guest, ASID, ({ memory }) =>
        Buffer.from(memory.readPrivate(gpa(0x1000n), 6)).toString(),
      );
    write(machine, 'common');
    const fork = machine.fork(machine.observer.fork());
    expect(read(fork)).toBe('common');

    write(fork, 'forked');
    write(machine, 'parent');
    expect([read(machine), read(fork)]).toEqual(['parent', 'forked']);

    fork.host.disk(guest)!.fill(1);
    expect(machine.host.disk(guest)).toEqual(Buffer.alloc(512));
    machine.host.wbinvd();
    expect(fork.secureProcessor.wbinvdDone()).toEqual([false, false, false, false]);
    fork.host.createGuest(REGIONS);
    expect(machine.state.guests.size).toBe(1);
    fork.mailbox.write('CmdBufAddr_Lo', 5);
    expect(machine.mailbox.read('CmdBufAddr_Lo')).toBe(0);
    machine.host.remap(guest, gpa(0x1000n), spa(0x2000_0000n));
    expect(read(fork)).toBe('forked');
    fork.secureProcessor.memory.setRunnable(ASID, false);
    expect(read(machine)).not.toBe('forked');
    fork.secureProcessor.memory.installKey(ASID, new Uint8Array(32));
    fork.secureProcessor.memory.setRunnable(ASID, true);
    expect(read(fork)).not.toBe('forked');
  });

  test('fork and parent, doing the same, leave the same trace', () => {
    const { machine, guest } = withGuest(true);
    const fork = machine.fork(machine.observer.fork());
    for (const each of [machine, fork]) {
      each.host.vmrun(guest, ASID, ({ memory }) => memory.writePrivate(gpa(0x10n), utf8('the same')));
      each.host.memory.write(spa(0n), Uint8Array.of(1));
    }
    expect(fork.observer.events).toEqual(machine.observer.events);
    expect(fork.observer.events.length).toBeGreaterThan(3);
  });
});

describe('trace', () => {
  const traced = (software: (context: GuestContext) => void) => {
    const { machine, guest } = withGuest(true);
    machine.host.vmrun(guest, ASID, software);
    return { machine, guest, last: machine.observer.events.at(-1)! };
  };

  test('a private write: plaintext closed, the written blocks open, with their place', () => {
    const { machine, last } = traced(({ memory }) => memory.writePrivate(gpa(0x1008n), utf8('hunter2')));
    expect(last).toMatchObject({
      ...{ actor: 'firmware', to: 'memory', type: 'access', operation: 'write', view: 'private' },
      ...{ gpa: '0x1008', asid: ASID, length: 7, segments: [{ spa: '0x100001000', length: 16 }] },
      open: { cells: Buffer.from(machine.host.memory.read(spa(0x1_0000_1000n), 16)) },
      closed: { plain: utf8('hunter2') },
    });
  });

  test('a private read: plaintext closed, nothing open', () => {
    const { last } = traced(({ memory }) => memory.as('kernel').readPrivate(gpa(0x1008n), 7));
    expect(last).toMatchObject({ actor: 'kernel', operation: 'read', view: 'private', length: 7 });
    expect(last.closed).toHaveProperty('plain');
    expect(last).not.toHaveProperty('open');
  });

  test('shared and raw writes are open and have nothing closed', () => {
    const { machine, last } = traced(({ memory }) => memory.writeShared(gpa(4n), Uint8Array.of(1, 2)));
    expect(last).toMatchObject({ view: 'shared', segments: [{ spa: '0x100000004', length: 2 }] });
    expect(last.open).toEqual({ cells: Buffer.from([1, 2]) });
    machine.host.memory.write(spa(0x10n), Uint8Array.of(3));
    machine.secureProcessor.memory.read(spa(0x10n), 1);
    const [written, read] = machine.observer.events.slice(-2);
    expect(written).toMatchObject({
      actor: 'host',
      operation: 'write',
      view: 'raw',
      open: { cells: Uint8Array.of(3) },
    });
    expect(read).toMatchObject({
      actor: 'amd-sp',
      operation: 'read',
      segments: [{ spa: '0x10', length: 1 }],
    });
    for (const event of [last, written, read]) expect(event).not.toHaveProperty('closed');
  });

  test('what was recorded does not change with the memory or the arrays that were given', () => {
    const bytes = Buffer.from('hunter2 hunter2!');
    const { machine, guest, last } = traced(({ memory }) => memory.writeShared(gpa(0n), bytes));
    machine.host.memory.write(spa(0n), bytes);
    machine.host.vmrun(guest, ASID, ({ memory }) => memory.writePrivate(gpa(0n), bytes));
    const [raw, , sealed] = machine.observer.events.slice(-3);
    const key = Buffer.alloc(32, 1);
    machine.secureProcessor.memory.installKey(9, key);
    const installed = machine.observer.events.at(-1);
    key.fill(0);
    bytes.fill(0);
    machine.host.vmrun(guest, ASID, ({ memory }) => memory.writeShared(gpa(0n), bytes));
    expect(last.open).toEqual({ cells: Buffer.from('hunter2 hunter2!') });
    expect(raw?.open).toEqual({ cells: utf8('hunter2 hunter2!') });
    expect(sealed?.closed).toEqual({ plain: utf8('hunter2 hunter2!') });
    expect(installed?.closed).toEqual({ key: new Uint8Array(32).fill(1) });
  });

  test('bytes without memory behind them have no segment', () => {
    const { last } = traced(({ memory }) => memory.writePrivate(gpa(8n * MIB), utf8('lost')));
    expect(last).toMatchObject({ length: 4, segments: [], open: { cells: Buffer.alloc(0) } });
  });
});
