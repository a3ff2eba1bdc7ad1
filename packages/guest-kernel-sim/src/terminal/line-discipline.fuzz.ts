import { utf8 } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualScreen } from '../../test/virtual-screen.ts';
import {
  createLine,
  LINE_MAX,
  type LineEvent,
  startLine,
  startReading,
  typeBytes,
} from './line-discipline.ts';

const HISTORY = ['ls -la /sys/kernel/security', 'id', 'a line that is much longer than the others, äöü €'];

const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...'abc de -/.ä€😀'.split(/(?:)/u)) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 0x1f }).map((code) => String.fromCharCode(code)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...['[A', '[B', '[C', '[D', '[H', '[F', '[3~', '[1;5C', '[1;5D', 'b', 'f', 'd', 'OA', '[9z'].map(
        (sequence) => `\x1b${sequence}`,
      ),
      '\x7f',
      '\x15',
      '\x0b',
      '\x17',
      '\x19',
      '\x01',
    ),
  },
);

/** Without what ends a line or clears the screen. */
const editing = fc
  .array(key, { maxLength: 80 })
  .map((keys) => keys.filter((text) => !['\x03', '\x04', '\n', '\f', '\r', '\x1b'].includes(text)).join(''));

describe('whatever is typed at a prompt', () => {
  it('the screen shows the line, with the cursor where the next character goes', () => {
    fc.assert(
      fc.property(editing, fc.integer({ min: 5, max: 40 }), (keys, columns) => {
        const line = createLine(columns);
        const screen = new VirtualScreen(columns);
        screen.write(startLine(line, '# ', HISTORY.length));
        screen.write(typeBytes(line, utf8(keys), HISTORY).shown);
        const cells = ['#', ' ', ...line.text];
        const rows: string[] = [];
        for (let at = 0; at < cells.length; at += columns)
          rows.push(
            cells
              .slice(at, at + columns)
              .join('')
              .trimEnd(),
          );
        while (rows.at(-1) === '') rows.pop();
        expect(screen.text).toEqual(rows);
        const place = 2 + line.cursor;
        expect(screen.cursor).toEqual({ row: Math.floor(place / columns), column: place % columns });
      }),
    );
  });
});

describe.each(['edit', 'canonical'] as const)('any bytes, in mode %s', (mode) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(key, { maxLength: 100 }).map((keys) => utf8(keys.join(''))),
  );

  function run(portions: readonly Uint8Array[]): { shown: string; events: LineEvent[]; line: unknown } {
    const line = createLine(20);
    let shown = mode === 'edit' ? startLine(line, '# ', HISTORY.length) : '';
    if (mode === 'canonical') startReading(line);
    const events: LineEvent[] = [];
    for (const portion of portions) {
      for (let at = 0; at < portion.length; ) {
        const typed = typeBytes(line, portion.subarray(at), HISTORY);
        expect(typed.consumed).toBeGreaterThan(0);
        at += typed.consumed;
        shown += typed.shown;
        if (typed.event) events.push(typed.event);
      }
    }
    expect(line.text.length).toBeLessThanOrEqual(LINE_MAX);
    expect(line.keys.pending.length).toBeLessThanOrEqual(17);
    return { shown, events, line };
  }

  it('do the same in any portions', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat({ max: 300 }), { maxLength: 8 }), (input, cuts) => {
        const places = [...new Set(cuts)].filter((cut) => cut < input.length).toSorted((a, b) => a - b);
        const portions = [0, ...places].map((start, i) => input.subarray(start, places[i] ?? input.length));
        expect(run(portions)).toEqual(run([input]));
        expect(run(Array.from(input, (byte) => Uint8Array.of(byte)))).toEqual(run([input]));
      }),
    );
  });

  it('show no control character but those of the line discipline', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const screen = new VirtualScreen(20);
        screen.write(run([input]).shown);
      }),
    );
  });
});
