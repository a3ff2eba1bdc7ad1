import { gpa, spa } from '@sevlab/codec/address';
import { equal, indexOfBytes, utf8 } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { access, recorded, trace } from '../test/events.ts';
import { bytesOf } from './event.ts';
import { MemoryHistory } from './memory-history.ts';

const { events } = recorded;
const history = new MemoryHistory(events);
const secretAt = events.findIndex(
  (event) =>
    event.type === 'access' && event.actor === 'amd-sp' && event.view === 'private' && event.length === 160,
);
const secret = events[secretAt]!;
if (secret.type !== 'access') throw new Error('the run has no LAUNCH_SECRET');
const target = spa(BigInt(secret.segments[0]!.spa));
const known = (length: number) => new Uint8Array(length).fill(1);

test('after LAUNCH_SECRET the cells are what the AMD-SP wrote, and before it they are not', () => {
  const cells = bytesOf(secret.open, 'cells')!;
  expect(history.cells(secretAt + 1, target, 160)).toEqual({ bytes: cells, known: known(160) });
  expect(history.cells(secretAt, target, 160)).toEqual({ bytes: new Uint8Array(160), known: known(160) });
});

test('after LAUNCH_SECRET the plaintext is what the packet held, and before it nobody can tell', () => {
  const [asid] = history.asids;
  const plain = bytesOf(secret.closed, 'plain')!;
  expect(history.plaintext(secretAt + 1, asid!, target, 160)).toEqual({ bytes: plain, known: known(160) });
  expect(history.plaintext(secretAt, asid!, target, 160).known).toEqual(new Uint8Array(160));
  expect(history.plaintext(secretAt + 1, asid! + 1, target, 160).known).toEqual(new Uint8Array(160));
});

test('no secret lies in DRAM at any time, though it is in the trace', () => {
  const text = utf8('<this is a secret>');
  const everywhere = (upTo: number) => history.writtenPages(upTo).map((page) => [page, upTo] as const);
  expect(
    events.some(({ closed }) => indexOfBytes(bytesOf(closed, 'plaintext') ?? new Uint8Array(), text) >= 0),
  ).toBe(true);
  for (const [page, upTo] of [...everywhere(secretAt + 1), ...everywhere(events.length)])
    expect(indexOfBytes(history.cells(upTo, page, 4096).bytes, text)).toBe(-1);
});

test('the image lies in the clear until LAUNCH_UPDATE_DATA, and not after it', () => {
  const image = bytesOf(events[79]!.open, 'cells')!;
  const cells = (upTo: number) => history.cells(upTo, spa(0x1081fe000n), 8192).bytes;
  expect(equal(cells(80), image)).toBe(true);
  expect(equal(cells(94), image)).toBe(false);
});

test('a run that goes on gives the same as one that is over', () => {
  const growing = new MemoryHistory();
  for (const [i, event] of events.entries()) {
    growing.add(event);
    expect(growing.cells(i + 1, target, 160)).toEqual(history.cells(i + 1, target, 160));
  }
  expect(growing.writtenPages(events.length)).toEqual(history.writtenPages(events.length));
});

test('forward, backward and at random: the same place at the same time is the same', () => {
  const asked = Array.from({ length: 200 }, (_, i) => (i * 7919) % (events.length + 1));
  const fresh = asked.map((upTo) => new MemoryHistory(events).cells(upTo, target, 160));
  expect(asked.map((upTo) => history.cells(upTo, target, 160))).toEqual(fresh);
});

test('reads of cells change nothing', () => {
  const read = trace(access('host', 'read', '0x1000', 4, { open: { cells: Uint8Array.of(1, 2, 3, 4) } }));
  expect(new MemoryHistory(read).writtenPages(1)).toEqual([]);
});

test('cells whose content is not in the trace are unknown until somebody writes them', () => {
  const given = new MemoryHistory(
    trace(
      access('host', 'write', '0x1ffe', 4, { open: { cells: { length: 4 } } }),
      access('host', 'write', '0x1fff', 1, { open: { cells: Uint8Array.of(7) } }),
    ),
  );
  expect(given.cells(2, spa(0x1ffdn), 6)).toEqual({
    bytes: Uint8Array.of(0, 0, 7, 0, 0, 0),
    known: Uint8Array.of(1, 0, 1, 0, 0, 1),
  });
});

test('a write that does not fill its segments leaves them unknown', () => {
  const given = new MemoryHistory(
    trace(
      access('kernel', 'write', '0x1000', 8, {
        view: 'shared',
        segments: [{ spa: '0x1000', length: 4 }],
        open: { cells: new Uint8Array(8) },
      }),
    ),
  );
  expect(given.cells(1, spa(0x1000n), 1).known).toEqual(Uint8Array.of(0));
});

const privately = (operation: 'read' | 'write', at: string, segment: [string, number], plain: Uint8Array) =>
  access('kernel', operation, '0x0', plain.length, {
    ...{ view: 'private', gpa: at, asid: 1, segments: [{ spa: segment[0], length: segment[1] }] },
    ...(operation === 'write' && { open: { cells: new Uint8Array(segment[1]).fill(0xee) } }),
    closed: { plain },
  });

test('a private write of a part of a block is known where it was written, and one changed cell spoils its block', () => {
  const given = new MemoryHistory(
    trace(
      privately('write', '0x9018', ['0x5010', 32], Uint8Array.of(...Array(16).fill(7))),
      access('host', 'write', '0x5021', 1, { open: { cells: Uint8Array.of(1) } }),
      privately('read', '0x9022', ['0x5022', 2], Uint8Array.of(8, 9)),
    ),
  );
  const known = (upTo: number) => [...given.plaintext(upTo, 1, spa(0x5010n), 32).known].join('');
  expect(known(1)).toBe(`${'0'.repeat(8)}${'1'.repeat(16)}${'0'.repeat(8)}`);
  expect(known(2)).toBe(`${'0'.repeat(8)}${'1'.repeat(8)}${'0'.repeat(16)}`);
  expect(known(3)).toBe(`${'0'.repeat(8)}${'1'.repeat(8)}${'0'.repeat(2)}11${'0'.repeat(12)}`);
  expect(given.spaOf(1, 1, gpa(0x9018n))).toBe(0x5018n);
  expect(given.gpaOf(1, 1, spa(0x5000n))).toBe(0x9000n);
});

test('a page is where the guest found it, from the beginning; after the host moved it, somewhere else', () => {
  const given = new MemoryHistory(
    trace(
      { type: 'key', actor: 'amd-sp', asid: 1, installed: true },
      privately('read', '0x9000', ['0x5000', 1], Uint8Array.of(1)),
      { type: 'remap', actor: 'host', gpa: '0x9000', spa: '0x6000' },
      { type: 'remap', actor: 'host', gpa: '0xa000', spa: '0x7000' },
      { type: 'page-state', actor: 'kernel', gpa: '0xb000', pages: 2, shared: true },
      { type: 'page-state', actor: 'kernel', gpa: '0xb000', pages: 1, shared: false },
    ),
  );
  const where = (address: bigint) => [0, 2, 3, 4].map((upTo) => given.spaOf(upTo, 1, gpa(address)));
  expect(where(0x9004n)).toEqual([0x5004n, 0x5004n, 0x6004n, 0x6004n]);
  expect(where(0xa000n)).toEqual([undefined, undefined, undefined, 0x7000n]);
  expect([4, 5, 6].map((upTo) => given.sharedPages(upTo, 1))).toEqual([[], [0xb000n, 0xc000n], [0xc000n]]);
});

test('a number of events that the trace has not is refused', () => {
  expect(() => history.cells(events.length + 1, target, 1)).toThrow(RangeError);
  expect(() => history.cells(-1, target, 1)).toThrow(RangeError);
});

test('cells that are put back decrypt to what they did before, under the same key only', () => {
  const cells = (byte: number) => ({ open: { cells: new Uint8Array(32).fill(byte) } });
  const told = (byte: number) => ({ closed: { plain: new Uint8Array(32).fill(byte) } });
  const write = (byte: number, plain: number) =>
    access('kernel', 'write', '0x5000', 32, {
      ...{ view: 'private', gpa: '0x9000', asid: 1, ...cells(byte), ...told(plain) },
    });
  const key = { type: 'key', actor: 'amd-sp', asid: 1, installed: true } as const;
  const given = new MemoryHistory(
    trace(
      ...[key, write(0xaa, 7), write(0xbb, 0), access('host', 'write', '0x5000', 32, cells(0xaa))],
      access('host', 'write', '0x5010', 1, { open: { cells: Uint8Array.of(0xcc) } }),
      ...[key, access('host', 'write', '0x5000', 32, cells(0xbb))],
    ),
  );
  const plain = (upTo: number) => given.plaintext(upTo, 1, spa(0x5008n), 16);
  expect(plain(2)).toEqual({ bytes: new Uint8Array(16).fill(7), known: known(16) });
  expect(plain(4)).toEqual(plain(2));
  expect(plain(5).known).toEqual(Uint8Array.of(...Array(8).fill(1), ...Array(8).fill(0)));
  expect(plain(7).known).toEqual(new Uint8Array(16));
});
