import { createHash } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { gpa, spa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import { createMachine, type Machine } from './machine.ts';

const LENGTH = 3 * 1024 * 1024;
const IMAGE = gpa(0x10_0000n);

/** A guest with bytes in memory, whose digest tells how often it was computed. */
function guestWithBytes() {
  const machine = createMachine({
    ...{ part: 'milan', encryption: 'XEX', entropy: seededEntropy('digests', 'machine') },
    observer: createObserver(),
  });
  const guest = machine.host.createGuest([{ gpa: gpa(0n), length: 8n * 1024n * 1024n }]);
  machine.secureProcessor.memory.installKey(100, new Uint8Array(16).fill(7));
  machine.secureProcessor.memory.setRunnable(100, true);
  machine.host.resume(guest, 100).memory.writePrivate(IMAGE, new Uint8Array(LENGTH).fill(1));
  let computed = 0;
  const sum = (parts: Iterable<Uint8Array>): Uint8Array => {
    computed++;
    let total = 0;
    for (const part of parts) total = part.reduce((before, byte) => (before + byte) & 0xff, total);
    return Uint8Array.of(total);
  };
  const memoryOf = ({ host }: Machine) => host.resume(guest, 100).memory;
  const digest = (of: Machine, name = 'sum', fn = sum) =>
    memoryOf(of).digestPrivate(IMAGE, LENGTH, name, fn)[0];
  return { machine, memoryOf, digest, computed: () => computed };
}

describe('digest of private memory', () => {
  test('forks compute it once', () => {
    const { machine, digest, computed } = guestWithBytes();
    const forks = [machine.fork(createObserver()), machine.fork(createObserver())];
    const [first, ...others] = [...forks, machine].map((each) => digest(each));
    expect(others).toEqual([first, first]);
    expect(computed()).toBe(1);
  });

  test('whoever writes has a digest of its own, wherever in the range', () => {
    for (const at of [IMAGE, gpa(IMAGE + BigInt(LENGTH) - 16n), gpa(IMAGE + 0x12_3450n)]) {
      const { machine, memoryOf, digest } = guestWithBytes();
      const fork = machine.fork(createObserver());
      const before = digest(fork)!;
      memoryOf(fork).writePrivate(at, new Uint8Array(16).fill(2));
      expect(digest(fork)).toBe((before + 16) & 0xff);
      expect(digest(machine)).toBe(before);
      expect(digest(fork.fork(createObserver()))).toBe((before + 16) & 0xff);
    }
  });

  test('before a fork nothing is taken for unchanged', () => {
    const { machine, memoryOf, digest } = guestWithBytes();
    const before = digest(machine)!;
    memoryOf(machine).writePrivate(IMAGE, new Uint8Array(16).fill(2));
    expect(digest(machine)).toBe((before + 16) & 0xff);
  });

  test('another function and another key are another digest', () => {
    const { machine, digest } = guestWithBytes();
    const fork = machine.fork(createObserver());
    const before = digest(fork);
    expect(digest(fork, 'seven', () => Uint8Array.of(7))).toBe(7);
    fork.secureProcessor.memory.installKey(100, new Uint8Array(16).fill(8));
    expect(digest(fork)).not.toBe(before);
  });

  test('a page that the host moved is read where it is now', () => {
    const { machine, digest } = guestWithBytes();
    const fork = machine.fork(createObserver());
    const before = digest(fork);
    fork.host.remap(0, IMAGE, spa(0x1000n));
    expect(digest(fork)).not.toBe(before);
  });

  test.each([
    ['many parts', IMAGE, LENGTH],
    ['places that are no blocks', gpa(IMAGE + 5n), 300_001],
    ['memory that is not there', gpa(7n * 1024n * 1024n + 3n), 2 * 1024 * 1024],
  ])('it is given all bytes of %s', (_, address, length) => {
    const { machine, memoryOf } = guestWithBytes();
    const memory = memoryOf(machine);
    memory.writePrivate(
      gpa(IMAGE + 100n),
      Uint8Array.from({ length: 250_000 }, (__, i) => i * 31),
    );
    const given = memory.digestPrivate(address, length, 'all', (parts) => concat(...parts));
    expect(Buffer.compare(given, memory.readPrivate(address, length))).toBe(0);
  });

  test('a trace cannot tell it from reading', () => {
    const { machine, memoryOf, digest } = guestWithBytes();
    const events = [digest, (of: Machine) => memoryOf(of).readPrivate(IMAGE, LENGTH)].map((look) => {
      const observer = createObserver({ record: true });
      look(machine.fork(observer));
      return observer.events.map(({ closed, ...told }) => ({
        ...told,
        plain: closed && 'plain' in closed && createHash('sha256').update(closed.plain).digest('hex'),
      }));
    });
    expect(events[0]).toEqual(events[1]);
    expect(events[0]?.[0]?.plain).toMatch(/^[0-9a-f]{64}$/);
  });
});
