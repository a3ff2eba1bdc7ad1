import { gpa, spa } from '@sevlab/codec/address';
import { expect, test } from 'vitest';
import { access, trace } from '../test/events.ts';
import { MemoryHistory } from './memory-history.ts';
import { threeViews } from './three-views.ts';

const privately = (at: string, cells: string, value: number) =>
  access('kernel', 'write', cells, 16, {
    ...{ view: 'private', gpa: at, asid: 1 },
    ...{ open: { cells: new Uint8Array(16).fill(0xee) }, closed: { plain: new Uint8Array(16).fill(value) } },
  });
const events = trace(
  { type: 'key', actor: 'amd-sp', asid: 1, installed: true },
  privately('0x9ff0', '0x5ff0', 7),
  privately('0xa000', '0x3000', 8),
  { type: 'page-state', actor: 'kernel', gpa: '0xa000', pages: 1, shared: true },
);
const history = new MemoryHistory(events);
const of = (value: number, length: number) => Array<number>(length).fill(value);

test('a range over two guest pages that lie apart in DRAM is seen whole', () => {
  const { pieces, host, guest, device, differs } = threeViews(history, 3, { gpa: gpa(0x9ff8n) }, 16);
  expect(pieces).toEqual([
    { offset: 0, length: 8, gpa: 0x9ff8n, spa: 0x5ff8n, shared: false },
    { offset: 8, length: 8, gpa: 0xa000n, spa: 0x3000n, shared: false },
  ]);
  expect([...host.bytes]).toEqual(of(0xee, 16));
  expect([...guest.bytes]).toEqual([...of(7, 8), ...of(8, 8)]);
  expect(device).toEqual(host);
  expect([...differs]).toEqual(of(1, 16));
});

test('in a page that the guest shares, its eyes see cells as well', () => {
  const { guest, host, differs } = threeViews(history, 4, { gpa: gpa(0xa000n) }, 16);
  expect(guest).toEqual(host);
  expect([...differs]).toEqual(of(0, 16));
});

test('what is no guest page is for the host alone, and where nothing is known nothing is told', () => {
  const own = threeViews(history, 4, { spa: spa(0x70000n) }, 4);
  expect(own.pieces).toEqual([{ offset: 0, length: 4, spa: 0x70000n, shared: false }]);
  expect([own.host, own.device, own.guest].map(({ known }) => [...known])).toEqual([
    ...[of(1, 4), of(0, 4), of(0, 4)],
  ]);
  const nowhere = threeViews(history, 4, { gpa: gpa(0x70000n) }, 4);
  expect(nowhere.pieces).toEqual([{ offset: 0, length: 4, gpa: 0x70000n, shared: false }]);
  expect([...nowhere.host.known]).toEqual(of(0, 4));
});

test('through the key of another guest the same cells are not known', () => {
  expect([...threeViews(history, 3, { spa: spa(0x5ff0n) }, 4, 2).guest.known]).toEqual(of(0, 4));
});
