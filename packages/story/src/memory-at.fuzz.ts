import { spa } from '@sevlab/codec/address';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { access, trace } from '../test/events.ts';
import { memoryAt } from './memory-at.ts';

const SPAN = 0x5000;
const write = fc.record({
  at: fc.nat(0x3000),
  first: fc.uint8Array({ maxLength: 0x900 }),
  second: fc.uint8Array({ maxLength: 20 }),
});

test('writes in any order, over any page boundary, leave what one array would hold', () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 8 }), fc.nat(0x3000), fc.nat(0x1800), (writes, from, length) => {
      const model = new Uint8Array(SPAN);
      const events = trace(
        ...writes.map(({ at, first, second }) => {
          const elsewhere = (at * 7) % 0x3000;
          model.set(first, at);
          model.set(second, elsewhere);
          const segments = [
            { spa: `0x${at.toString(16)}`, length: first.length },
            { spa: `0x${elsewhere.toString(16)}`, length: second.length },
          ];
          const cells = Uint8Array.of(...first, ...second);
          return access('host', 'write', '0x0', cells.length, { segments, open: { cells } });
        }),
      );
      const memory = memoryAt(events, events.length);
      expect(memory.read(spa(BigInt(from)), length)).toEqual(model.slice(from, from + length));
      expect(memory.isKnown(spa(0n), SPAN)).toBe(true);
    }),
  );
});
