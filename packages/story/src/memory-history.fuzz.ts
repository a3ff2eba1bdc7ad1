import { spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { access, anyTrace, trace } from '../test/events.ts';
import { MemoryHistory } from './memory-history.ts';

const SPAN = 0x5000;
const write = fc.record({
  at: fc.nat(0x3000),
  first: fc.uint8Array({ maxLength: 300 }),
  second: fc.uint8Array({ maxLength: 20 }),
});

test('writes in any order, over any page boundary, leave what one array would hold after each of them', () => {
  fc.assert(
    fc.property(
      fc.array(write, { maxLength: 140 }),
      fc.nat(0x3000),
      fc.nat(0x400),
      (writes, from, length) => {
        const model = new Uint8Array(SPAN);
        const expected = [model.slice(from, from + length)];
        const events = trace(
          ...writes.map(({ at, first, second }) => {
            const elsewhere = (at * 7) % 0x3000;
            model.set(first, at);
            model.set(second, elsewhere);
            expected.push(model.slice(from, from + length));
            const segments = [
              { spa: `0x${at.toString(16)}`, length: first.length },
              { spa: `0x${elsewhere.toString(16)}`, length: second.length },
            ];
            const cells = Uint8Array.of(...first, ...second);
            return access('host', 'write', '0x0', cells.length, { segments, open: { cells } });
          }),
        );
        const history = new MemoryHistory(events);
        const backward = [...expected.keys()].reverse();
        for (const upTo of [...backward, ...expected.keys()]) {
          const { bytes, known } = history.cells(upTo, spa(BigInt(from)), length);
          expect(equal(bytes, expected[upTo]!) && !known.includes(0)).toBe(true);
        }
      },
    ),
  );
});

test('whatever a trace holds, there is an answer for each time', () => {
  fc.assert(
    fc.property(anyTrace, (events) => {
      const history = new MemoryHistory(events);
      for (let upTo = 0; upTo <= events.length; upTo++) {
        expect(history.cells(upTo, spa(0n), 0x100).bytes).toHaveLength(0x100);
        for (const asid of history.asids)
          expect(history.plaintext(upTo, asid, spa(0xff0n), 0x20).known).toHaveLength(0x20);
      }
    }),
  );
});
