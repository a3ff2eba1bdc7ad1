import { createHash } from 'node:crypto';
import {
  BLOB_THRESHOLD,
  type TraceBlob,
  type TraceHeader,
  type WrittenBytes,
  type WrittenEvent,
} from '@sevlab/codec/trace';
import type { RecordedEvent } from './observer.ts';

/**
 * The lines of a trace file, without line ends: header, then events, each blob in front of its first use.
 * Closed bytes become their length unless the header says `revealed`. Blobs that are inputs of the run are named
 * and not stored.
 */
export function* traceLines(header: TraceHeader, events: Iterable<RecordedEvent>): Generator<string> {
  yield JSON.stringify(header);
  const known = new Set(Object.values(header.inputs));
  for (const event of events) yield* eventLines(event, { revealed: header.revealed, known });
}

/** Lines that lived until the text is whole would be moved by every garbage collection: they are joined before. */
const LINES_OF_A_BLOCK = 512;

/** The text of a file: every line with its line end. */
export function textOfLines(lines: Iterable<string>): string {
  const blocks: string[] = [];
  let block: string[] = [];
  for (const line of lines) {
    if (block.push(line) < LINES_OF_A_BLOCK) continue;
    blocks.push(block.join('\n'));
    block = [];
  }
  return [...blocks, ...block, ''].join('\n');
}

/** The lines of one event. `known` are the blobs (SHA-256, hexadecimal) that stand above; this event's are added. */
export function eventLines(
  event: RecordedEvent,
  { revealed, known }: { readonly revealed: boolean; readonly known: Set<string> },
): string[] {
  const blobs: TraceBlob[] = [];
  const written = writeEvent(event, revealed, (bytes) => {
    if (bytes.length <= BLOB_THRESHOLD) return Buffer.from(bytes).toString('base64');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (!known.has(sha256)) {
      known.add(sha256);
      blobs.push({ type: 'blob', sha256, length: bytes.length, data: Buffer.from(bytes).toString('base64') });
    }
    return { blob: sha256, length: bytes.length };
  });
  return [...blobs, written].map((line) => JSON.stringify(line));
}

/** One event as it stands in a file. `store` turns bytes into text. */
export function writeEvent(
  event: RecordedEvent,
  revealed: boolean,
  store: (bytes: Uint8Array) => WrittenBytes,
): WrittenEvent {
  const { open, closed, ...rest } = event;
  return {
    ...rest,
    ...(open && { open: mapValues(open, store) }),
    ...(closed && { closed: mapValues(closed, revealed ? store : ({ length }) => ({ length })) }),
  };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
