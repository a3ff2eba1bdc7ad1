import { toBase64, utf8 } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { recorded, recordedText } from '../test/events.ts';
import { readTrace, TraceReader } from './read-trace.ts';

const INPUT = 'aa'.repeat(32);
const BLOB = 'bb'.repeat(32);
const header = JSON.stringify({
  ...{ format: 'sevlab-trace', version: 1, sevlab: '0.1.0', simulated: true, seed: 's' },
  ...{
    start: '2022-06-28T11:54:05Z',
    command: 'demo',
    scenario: '',
    inputs: { firmware: INPUT },
    revealed: false,
  },
});
const event = (open: unknown, closed?: unknown) =>
  JSON.stringify({
    seq: 0,
    t: 0,
    machine: 'm0',
    actor: 'host',
    to: 'memory',
    type: 'vmrun',
    asid: 1,
    open,
    closed,
  });
const blob = JSON.stringify({ type: 'blob', sha256: BLOB, length: 3, data: toBase64(utf8('abc')) });

test('base64 and blobs become bytes; inputs and closed bytes stay lengths', () => {
  const open = { short: 'AAH+/w==', long: { blob: BLOB, length: 3 }, input: { blob: INPUT, length: 9 } };
  const { events } = readTrace([header, blob, event(open, { key: { length: 16 } })].join('\n'));
  expect(events).toEqual([
    {
      ...{ seq: 0, t: 0, machine: 'm0', actor: 'host', to: 'memory', type: 'vmrun', asid: 1 },
      open: { short: Uint8Array.of(0, 1, 254, 255), long: utf8('abc'), input: { length: 9 } },
      closed: { key: { length: 16 } },
    },
  ]);
});

test('a run that goes on is read line by line', () => {
  const reader = new TraceReader(header);
  expect(reader.header.inputs).toEqual({ firmware: INPUT });
  expect(reader.read(blob)).toBeUndefined();
  expect(reader.read(event({ x: { blob: BLOB, length: 3 } }))?.open).toEqual({ x: utf8('abc') });
});

test('the recorded run has all of its events, in order', () => {
  const lines = recordedText
    .trim()
    .split('\n')
    .map((line): { seq?: number } => JSON.parse(line));
  expect(recorded.events.map(({ seq }) => seq)).toEqual(
    lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq])),
  );
  expect(recorded.header).toEqual(lines[0]);
});

test.each([
  ['', 'line 1'],
  ['{}', 'line 1: expected the header'],
  [header.replace('"version":1', '"version":2'), 'expected version 1 of the format, got 2'],
  [`${header}\nnonsense`, 'line 2'],
  [`${header}\n3`, 'line 2: expected a JSON object'],
  [`${header}\n{}`, 'line 2: expected an event or a blob'],
  [`${header}\n${event({ x: '?' })}`, 'line 2: expected base64'],
  [`${header}\n${event({ x: { blob: BLOB, length: 3 } })}\n${blob}`, `line 2: blob ${BLOB}`],
])('%j is refused', (text, message) => {
  expect(() => readTrace(text)).toThrow(SyntaxError);
  expect(() => readTrace(text)).toThrow(message);
});
