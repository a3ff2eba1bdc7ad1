import { gpa, spa } from '@sevlab/codec/address';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyTrace } from '../test/events.ts';
import { journeyOf, tracedSecrets } from './journey.ts';
import { MemoryHistory } from './memory-history.ts';
import { memoryMapAt } from './memory-map.ts';
import { stepsOf } from './steps.ts';
import { Structures } from './structures.ts';
import { threeViews } from './three-views.ts';

test('whatever a trace holds, there are views, a map, structures and a journey', () => {
  fc.assert(
    fc.property(anyTrace, fc.nat(0x3000), fc.nat(0x1100), (events, address, length) => {
      const history = new MemoryHistory(events);
      const steps = stepsOf(events);
      for (let upTo = 0; upTo <= events.length; upTo++) {
        for (const place of [{ gpa: gpa(BigInt(address)) }, { spa: spa(BigInt(address)) }]) {
          const { pieces, host, guest, device, differs } = threeViews(history, upTo, place, length);
          for (const bytes of [host.bytes, guest.known, device.known, differs])
            expect(bytes).toHaveLength(length);
          expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(length);
        }
        const { regions, encrypted, shared } = memoryMapAt(events, history, upTo);
        for (const { first, last } of [...regions, ...encrypted, ...shared]) expect(first <= last).toBe(true);
      }
      const structures = new Structures(events, history);
      for (const step of steps)
        for (const { event, bytes, fields } of structures.of(step)) {
          expect(step.first <= event && event <= step.last).toBe(true);
          expect(fields.reduce((sum, field) => sum + field.length, 0)).toBe(bytes.length);
        }
      for (const { guid } of [...tracedSecrets(events), { guid: 'x' }])
        for (const place of journeyOf(events, steps, { guid, offset: 1 }, history))
          expect(place.step).toBeGreaterThanOrEqual(0);
    }),
  );
});
