import { utf8 } from '@sevlab/codec/bytes';
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

interface Outcome {
  /** What the screen shows, and what the line is. */
  readonly screen: string;
  readonly text: string;
  readonly cursor: number;
  readonly events: LineEvent[];
}

/** Types at a prompt `# `; with `reads`, for a program that reads. */
function type(keys: string, { history = [] as string[], columns = 80, reads = false } = {}): Outcome {
  const line = createLine(columns);
  const screen = new VirtualScreen(columns);
  const events: LineEvent[] = [];
  if (reads) startReading(line);
  else screen.write(startLine(line, '# ', history.length));
  const bytes = utf8(keys);
  for (let at = 0; at < bytes.length; ) {
    const { shown, consumed, event } = typeBytes(line, bytes.subarray(at), history);
    at += consumed;
    screen.write(shown);
    if (event) events.push(event);
  }
  return { screen: screen.text.join('\n'), text: line.text.join(''), cursor: line.cursor, events };
}

const LEFT = '\x1b[D';
const RIGHT = '\x1b[C';
const UP = '\x1b[A';
const DOWN = '\x1b[B';

describe('a line at a prompt', () => {
  it.each([
    ['abc', 'abc', 3],
    ['abc\x7f', 'ab', 2],
    ['abc\b\b', 'a', 1],
    [`abc${LEFT}${LEFT}X`, 'aXbc', 2],
    [`abc${LEFT}\x7f`, 'ac', 1],
    [`abc\x01X`, 'Xabc', 1],
    [`abc\x1b[HX\x1b[FY`, 'XabcY', 5],
    [`abc\x1bOHX\x1bOFY`, 'XabcY', 5],
    [`abc\x1b[1~X\x1b[4~Y`, 'XabcY', 5],
    ['abc\x01\x1b[3~', 'bc', 0],
    ['abc\x01\x04', 'bc', 0],
    ['abc\x02\x02\x06X', 'abXc', 3],
    ['one two  three\x17', 'one two  ', 9],
    ['one two  three\x17\x17', 'one ', 4],
    ['one two\x17\x19\x19', 'one twotwo', 10],
    [`one two${LEFT}${LEFT}\x0b`, 'one t', 5],
    [`one two${LEFT}${LEFT}\x15`, 'wo', 0],
    [`one two${LEFT}${LEFT}\x15\x05\x19`, 'woone t', 7],
    ['one-two three\x1bb\x1bb\x1bd', 'one- three', 4],
    ['one two\x1b[1;5DX', 'one Xtwo', 5],
    ['äöü€😀\x7f\x7f', 'äöü', 3],
    [`ä😀${LEFT}\x7f`, '😀', 0],
    ['a\tb', 'ab', 2],
    ['a\x1b[99;99Zb\x1b[200~c', 'abc', 3],
    [`a\x1b${LEFT}b`, 'ba', 1],
    [`${LEFT}${RIGHT}\x7f\x0b\x15\x17\x19a`, 'a', 1],
  ])('%j is %j with the cursor at %i, and the screen shows it', (keys, text, cursor) => {
    expect(type(keys)).toEqual({ screen: `# ${text}`.trimEnd(), text, cursor, events: [] });
  });

  it.each([
    ['ls\r', [{ type: 'line', text: 'ls' }]],
    ['ls\n', [{ type: 'line', text: 'ls' }]],
    [
      'ls\r\nid\r\n',
      [
        { type: 'line', text: 'ls' },
        { type: 'line', text: 'id' },
      ],
    ],
    [
      '\r\r',
      [
        { type: 'line', text: '' },
        { type: 'line', text: '' },
      ],
    ],
    ['abc\x03', [{ type: 'interrupt' }]],
    ['\x04', [{ type: 'end' }]],
    ['a\x04', []],
    [`ls -l${LEFT}${LEFT}\r`, [{ type: 'line', text: 'ls -l' }]],
    [`  a b  \r`, [{ type: 'line', text: '  a b  ' }]],
    ['\u00c3\r', [{ type: 'line', text: '\u00c3' }]],
  ])('%j gives %j', (keys, events) => {
    expect(type(keys).events).toEqual(events);
  });

  it('shows ^C behind the whole line', () => {
    expect(type(`abc${LEFT}${LEFT}\x03`).screen).toBe('# abc^C');
  });

  it('brings back what was typed before, and then the line that was begun', () => {
    const history = ['first', 'second one'];
    const recalled = (keys: string): string => type(keys, { history }).text;
    expect(recalled(UP)).toBe('second one');
    expect(recalled(UP + UP)).toBe('first');
    expect(recalled(UP + UP + UP)).toBe('first');
    expect(recalled(`${UP}${UP}${DOWN}`)).toBe('second one');
    expect(recalled(`new${UP}${UP}${DOWN}${DOWN}`)).toBe('new');
    expect(recalled(`new${UP}!`)).toBe('second one!');
    expect(recalled('\x10\x10\x0e')).toBe('second one');
    expect(type(`a long line${UP}${UP}`, { history }).screen).toBe('# first');
    expect(type(`${UP}\r`, { history }).events).toEqual([{ type: 'line', text: 'second one' }]);
    expect(recalled(DOWN)).toBe('');
  });

  it('goes over several rows', () => {
    const wide = 'abcdefghijklmnopqrstuvwxyz';
    expect(type(wide, { columns: 10 }).screen).toBe('# abcdefgh\nijklmnopqr\nstuvwxyz');
    expect(type(`${wide}\x01X`, { columns: 10 }).screen).toBe('# Xabcdefg\nhijklmnopq\nrstuvwxyz');
    expect(type(`abcdefgh\x7f`, { columns: 10 }).screen).toBe('# abcdefg');
    expect(type(`abcdefghi\x7f\x7fX`, { columns: 10 }).screen).toBe('# abcdefgX');
    expect(type(`${wide}\x15new`, { columns: 10 }).screen).toBe('# new');
    expect(type(`${wide}${UP}`, { columns: 10, history: ['ls'] }).screen).toBe('# ls');
  });

  it('clears the screen and keeps the line', () => {
    expect(type(`abc${LEFT}\x0cX`)).toMatchObject({ screen: '# abXc', text: 'abXc' });
  });

  it('takes no more than it can hold', () => {
    const { text, events } = type(`${'x'.repeat(LINE_MAX + 10)}\r`);
    expect(text).toBe('');
    expect(events).toEqual([{ type: 'line', text: 'x'.repeat(LINE_MAX) }]);
  });

  it('shows what is no UTF-8 as U+FFFD, and nothing that terminals take for a control character', () => {
    const line = createLine();
    startLine(line, '# ', 0);
    const bytes = Uint8Array.of(0xff, 0x61, 0xc3, 0x62, 0xe2, 0x82, 0x63, 0xc2, 0x9b, 0xed, 0xa0, 0x80, 0x80);
    const { shown } = typeBytes(line, bytes, []);
    expect(shown).toBe('\ufffda\ufffdb\ufffdc\ufffd\ufffd\ufffd');
    expect(line.text.join('')).toBe(shown);
  });
});

describe('a line that a program reads', () => {
  it.each([
    ['yes\r', 'yes', [{ type: 'data', text: 'yes\n' }]],
    ['yes\n', 'yes', [{ type: 'data', text: 'yes\n' }]],
    ['abc\x7f\x7fX\n', 'aX', [{ type: 'data', text: 'aX\n' }]],
    ['abc\x15X\n', 'X', [{ type: 'data', text: 'X\n' }]],
    ['one two\x17X\n', 'one X', [{ type: 'data', text: 'one X\n' }]],
    ['ä€\x7fX\n', 'äX', [{ type: 'data', text: 'äX\n' }]],
    ['a\x08b\n', 'a^Hb', [{ type: 'data', text: 'a\bb\n' }]],
    ['a\x01\x7fb\n', 'ab', [{ type: 'data', text: 'ab\n' }]],
    ['abc\x04', 'abc', [{ type: 'data', text: 'abc' }]],
    ['\x04', '', [{ type: 'end' }]],
    ['abc\x03', 'abc^C', [{ type: 'interrupt' }]],
    ['\x7f\x7f\n', '', [{ type: 'data', text: '\n' }]],
    ['ab\x12c\n', 'ab^R\nabc', [{ type: 'data', text: 'abc\n' }]],
  ])('%j shows %j and gives %j', (keys, screen, events) => {
    expect(type(keys, { reads: true })).toMatchObject({ screen, events });
  });
});
