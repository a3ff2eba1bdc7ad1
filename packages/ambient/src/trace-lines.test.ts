import { createHash } from 'node:crypto';
import { utf8 } from '@sevlab/codec/bytes';
import { BLOB_THRESHOLD, type TraceHeader } from '@sevlab/codec/trace';
import { expect, test } from 'vitest';
import { createObserver, type RecordedEvent } from './observer.ts';
import { textOfLines, traceLines } from './trace-lines.ts';

const header: TraceHeader = {
  ...{ format: 'sevlab-trace', version: 1, sevlab: '0.1.0', simulated: true, seed: 'known' },
  ...{ start: '2022-06-28T11:54:05Z', command: 'demo', scenario: '', inputs: {}, revealed: false },
};
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

type Bytes = Readonly<Record<string, Uint8Array>>;

/** One private write for each pair of open and closed bytes. */
function writes(...contents: readonly { open?: Bytes; closed?: Bytes }[]): readonly RecordedEvent[] {
  const observer = createObserver({ record: true });
  for (const content of contents) {
    observer.observe('firmware', 'memory', () => ({
      ...{ type: 'access', operation: 'write', view: 'private', length: 0, segments: [] },
      ...content,
    }));
  }
  return observer.events;
}

const lines = (over: Partial<TraceHeader>, events: readonly RecordedEvent[]): unknown[] =>
  Array.from(traceLines({ ...header, ...over }, events), (line) => JSON.parse(line));

test('the header comes first and as it is', () => {
  expect(lines({ inputs: { firmware: '00' } }, [])).toEqual([{ ...header, inputs: { firmware: '00' } }]);
});

test('no line holds a line end', () => {
  const text = [...traceLines({ ...header, command: 'a\nb' }, writes({ open: { cells: utf8('\n\r\n') } }))];
  expect(text).toHaveLength(2);
  for (const line of text) expect(line).not.toMatch(/[\r\n\u2028]/);
});

test.each([0, 1, 511, 512, 513, 1024, 1025, 1600])(
  'the text of %i lines is each with its line end, in order',
  (count) => {
    const lines = Array.from({ length: count }, (_, i) => `line ${i}`);
    expect(textOfLines(lines)).toBe(lines.map((line) => `${line}\n`).join(''));
  },
);

test('what the host can see is base64', () => {
  const [, event] = lines({}, writes({ open: { cells: Uint8Array.of(0, 1, 254, 255) } }));
  expect(event).toMatchObject({ type: 'access', seq: 0, t: 1000, open: { cells: 'AAH+/w==' } });
});

test('of closed bytes only the length is written: nothing that depends on them', () => {
  const secret = utf8('hunter2 hunter2!');
  const other = utf8('correct horse ba');
  const written = lines({}, writes({ closed: { plain: secret, key: secret.slice(1) } }));
  expect(written[1]).toMatchObject({ closed: { plain: { length: 16 }, key: { length: 15 } } });
  expect(written).toEqual(lines({}, writes({ closed: { plain: other, key: other.slice(1) } })));
  const long = new Uint8Array(BLOB_THRESHOLD + 1).fill(0x42);
  expect(lines({}, writes({ closed: { plain: long } }))).toEqual(
    lines({}, writes({ closed: { plain: new Uint8Array(long.length) } })),
  );
});

test('revealed closed bytes are written as open ones are', () => {
  const long = new Uint8Array(BLOB_THRESHOLD + 1).fill(0x42);
  const written = lines({ revealed: true }, writes({ closed: { plain: utf8('hunter2'), image: long } }));
  expect(written.slice(1)).toMatchObject([
    { type: 'blob', sha256: sha256(long) },
    { closed: { plain: 'aHVudGVyMg==', image: { blob: sha256(long), length: 4097 } } },
  ]);
});

test('more than 4096 bytes are stored once, in front of the first event that names them', () => {
  const short = new Uint8Array(BLOB_THRESHOLD).fill(1);
  const long = new Uint8Array(BLOB_THRESHOLD + 1).fill(2);
  const blob = { blob: sha256(long), length: long.length };
  const written = lines(
    {},
    writes({ open: { cells: short } }, { open: { a: long, b: long.slice() } }, { open: { cells: long } }),
  );
  expect(written.slice(1)).toMatchObject([
    { type: 'access', open: { cells: Buffer.from(short).toString('base64') } },
    { type: 'blob', ...{ sha256: blob.blob, length: 4097, data: Buffer.from(long).toString('base64') } },
    { type: 'access', open: { a: blob, b: blob } },
    { type: 'access', open: { cells: blob } },
  ]);
});

test('an input is named and not stored', () => {
  const firmware = new Uint8Array(8192).fill(0xf4);
  const written = lines(
    { inputs: { firmware: sha256(firmware) } },
    writes({ open: { cells: firmware } }, { open: { cells: firmware.subarray(1) } }),
  );
  expect(written.slice(1)).toMatchObject([
    { open: { cells: { blob: sha256(firmware), length: 8192 } } },
    { type: 'blob', sha256: sha256(firmware.subarray(1)) },
    { open: { cells: { length: 8191 } } },
  ]);
});

test('writing changes no event and is repeatable', () => {
  const events = writes({ open: { cells: Uint8Array.of(1) }, closed: { plain: Uint8Array.of(2) } });
  const first = [...traceLines(header, events)];
  expect([...traceLines(header, events)]).toEqual(first);
  expect(events[0]?.closed).toEqual({ plain: Uint8Array.of(2) });
});
