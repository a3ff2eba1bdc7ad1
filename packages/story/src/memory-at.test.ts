import { spa } from '@sevlab/codec/address';
import { equal, indexOfBytes, utf8 } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { access, recorded, trace } from '../test/events.ts';
import { bytesOf } from './event.ts';
import { MemoryCells, memoryAt } from './memory-at.ts';

const { events } = recorded;
const secretAt = events.findIndex(
  (event) =>
    event.type === 'access' && event.actor === 'amd-sp' && event.view === 'private' && event.length === 160,
);

test('after LAUNCH_SECRET the cells are what the AMD-SP wrote, and before it they are not', () => {
  const event = events[secretAt]!;
  if (event.type !== 'access') throw new Error('the run has no LAUNCH_SECRET');
  const cells = bytesOf(event.open, 'cells')!;
  const target = spa(BigInt(event.segments[0]!.spa));
  expect(memoryAt(events, secretAt + 1).read(target, 160)).toEqual(cells);
  expect(memoryAt(events, secretAt).read(target, 160)).toEqual(new Uint8Array(160));
});

test('no secret lies in DRAM at any time, though it is in the trace', () => {
  const secret = utf8('<this is a secret>');
  expect(
    events.some(({ closed }) => indexOfBytes(bytesOf(closed, 'plaintext') ?? new Uint8Array(), secret) >= 0),
  ).toBe(true);
  for (const cells of memoryAt(events, events.length).pages().values())
    expect(indexOfBytes(cells, secret)).toBe(-1);
});

test('the image lies in the clear until LAUNCH_UPDATE_DATA, and not after it', () => {
  const image = bytesOf(events[79]!.open, 'cells')!;
  expect(equal(memoryAt(events, 80).read(spa(0x1081fe000n), 8192), image)).toBe(true);
  expect(equal(memoryAt(events, 94).read(spa(0x1081fe000n), 8192), image)).toBe(false);
});

test('stepping forward gives the same as folding from the start; a fork goes its own way', () => {
  const memory = new MemoryCells();
  for (const event of events.slice(0, 100)) memory.apply(event);
  const fork = memory.fork();
  for (const event of events.slice(100)) fork.apply(event);
  expect(memory.pages()).toEqual(memoryAt(events, 100).pages());
  expect(fork.pages()).toEqual(memoryAt(events, events.length).pages());
});

test('reads change nothing', () => {
  const [read] = trace(access('host', 'read', '0x1000', 4, { open: { cells: Uint8Array.of(1, 2, 3, 4) } }));
  expect(memoryAt([read!], 1).pages().size).toBe(0);
});

test('cells whose content is not in the trace are unknown until somebody writes them', () => {
  const given = trace(
    access('host', 'write', '0x1ffe', 4, { open: { cells: { length: 4 } } }),
    access('host', 'write', '0x1fff', 1, { open: { cells: Uint8Array.of(7) } }),
  );
  const memory = memoryAt(given, 2);
  expect(
    [0x1ffdn, 0x1ffen, 0x1fffn, 0x2000n, 0x2001n, 0x2002n].map((at) => memory.isKnown(spa(at), 1)),
  ).toEqual([...[true, false, true, false, false, true]]);
  expect(memory.isKnown(spa(0x1000n), 0x2000)).toBe(false);
  expect(memory.read(spa(0x1ffen), 4)).toEqual(Uint8Array.of(0, 7, 0, 0));
});

test('a write that does not fill its segments leaves them unknown', () => {
  const [event] = trace(
    access('kernel', 'write', '0x1000', 8, {
      view: 'shared',
      segments: [{ spa: '0x1000', length: 4 }],
      open: { cells: new Uint8Array(8) },
    }),
  );
  expect(memoryAt([event!], 1).isKnown(spa(0x1000n), 1)).toBe(false);
});

test('a number of events that the trace has not is refused', () => {
  expect(() => memoryAt(events, events.length + 1)).toThrow(RangeError);
  expect(() => memoryAt(events, -1)).toThrow(RangeError);
});
