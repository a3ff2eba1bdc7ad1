import { toHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createDram,
  type DramState,
  forkDram,
  readCells,
  readCellsInto,
  touchedPages,
  writeCells,
} from './dram.ts';

const PAGE = 4096;
const CHUNK = 2 * 1024 * 1024;

interface Write {
  readonly address: number;
  readonly length: number;
  readonly byte: number;
}

/** What was written, in order; reading lays the writes over zeros. */
type Model = readonly Write[];

function readModel(model: Model, address: number, length: number): Uint8Array {
  const read = new Uint8Array(length);
  for (const write of model) {
    const from = Math.max(write.address, address);
    const to = Math.min(write.address + write.length, address + length);
    if (from < to) read.fill(write.byte, from - address, to - address);
  }
  return read;
}

/** Near the edges of pages and chunks, and above 4 GiB. */
const address = fc
  .tuple(
    fc.constantFrom(0, PAGE, CHUNK - PAGE, CHUNK, 2 * CHUNK, 2 ** 32, 2 ** 45 + CHUNK),
    fc.integer({ min: -40, max: 40 }),
  )
  .map(([edge, offset]) => Math.max(0, edge + offset));
/** Short ones make pages, ones of 64 KiB and more make chunks. */
const length = fc.oneof(
  fc.nat({ max: 60 }),
  fc.constantFrom(PAGE, PAGE + 1, 65_535, 65_536, 65_600, CHUNK + 65_536),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write'), address, length }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read'), address, length }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fork'), address, length }) },
);
const steps = fc.array(fc.tuple(fc.nat({ max: 9 }), fc.integer({ min: 0, max: 255 }), step), {
  maxLength: 14,
});

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

test('forks and their parents read what they wrote themselves, and nothing of each other', () => {
  fc.assert(
    fc.property(steps, (program) => {
      const all: { dram: DramState; model: Model }[] = [{ dram: createDram(), model: [] }];
      for (const [which, byte, { do: action, ...range }] of program) {
        const it = all[which % all.length]!;
        if (action === 'fork') all.push({ dram: forkDram(it.dram), model: it.model });
        else if (action === 'write') {
          writeCells(it.dram, range.address, new Uint8Array(range.length).fill(byte));
          it.model = [...it.model, { ...range, byte }];
        }
        for (const { dram, model } of all) {
          const expected = readModel(model, range.address, range.length);
          expect(same(readCells(dram, range.address, range.length), expected)).toBe(true);
          const used = new Uint8Array(range.length).fill(byte ^ 0xff);
          readCellsInto(dram, range.address, used);
          expect(same(used, expected)).toBe(true);
        }
      }
      for (const { dram, model } of all) {
        for (const { spa, cells } of touchedPages(dram)) {
          expect(same(cells, readModel(model, Number(spa), PAGE))).toBe(true);
        }
      }
    }),
  );
});

test('touchedPages gives every page that is not zero, once, in ascending order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(address, fc.nat({ max: 5000 }), fc.boolean()), { maxLength: 6 }),
      (writes) => {
        const parent = createDram();
        let dram = parent;
        const expected = new Set<number>();
        for (const [start, size, forked] of writes) {
          if (forked) dram = forkDram(dram);
          writeCells(dram, start, new Uint8Array(size).fill(1));
          for (let page = Math.floor(start / PAGE); page * PAGE < start + size; page++) expected.add(page);
        }
        const ascending = [...expected].filter((page) => readCells(dram, page * PAGE, PAGE).some(Boolean));
        expect(Array.from(touchedPages(dram), ({ spa }) => Number(spa) / PAGE)).toEqual(
          ascending.sort((a, b) => a - b),
        );
      },
    ),
  );
});

test('what is read is a copy', () => {
  const dram = createDram();
  writeCells(dram, 0, Uint8Array.of(1, 2, 3));
  readCells(dram, 0, 3).fill(9);
  expect(toHex(readCells(dram, 0, 3))).toBe('010203');
});

test('what is written is a copy', () => {
  for (const size of [3, CHUNK]) {
    const dram = createDram();
    const source = new Uint8Array(size).fill(1);
    writeCells(dram, 0, source);
    source.fill(9);
    expect(toHex(readCells(dram, 0, 3))).toBe('010101');
  }
});
