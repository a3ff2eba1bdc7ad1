import type { RecordedEvent } from '@sevlab/ambient/observer';
import { eventLines, textOfLines } from '@sevlab/ambient/trace-lines';
import type { TraceHeader } from '@sevlab/codec/trace';

/** What happens in a session beside its trace. */
export type RemarkKind = 'terminal' | 'state';

/** One entry of what a session has to tell; `id` counts from 1 without a gap. */
export interface LogEntry {
  readonly id: number;
  readonly kind: 'trace' | RemarkKind;
  /** One line: of a trace file, or JSON. */
  readonly data: string;
}

interface Remark {
  readonly kind: RemarkKind;
  readonly data: string;
  /** How many events of the trace stand above it. */
  readonly after: number;
}

/**
 * All that a session tells, in order: the lines of its trace, revealed, and remarks between them. Entries are written out
 * when somebody reads them, and always alike.
 */
export class SessionLog {
  readonly header: TraceHeader;
  readonly #events: () => readonly RecordedEvent[];
  readonly #remarks: Remark[] = [];
  readonly #readers = new Set<() => void>();
  #remarked = 0;

  /** `events` gives the trace so far, which only ever grows. */
  constructor(header: TraceHeader, events: () => readonly RecordedEvent[]) {
    this.header = header;
    this.#events = events;
  }

  remark(kind: RemarkKind, content: object): void {
    const data = JSON.stringify(content);
    this.#remarked += data.length;
    this.#remarks.push({ kind, data, after: this.#events().length });
  }

  /** Characters in all remarks. */
  get remarked(): number {
    return this.#remarked;
  }

  /** Who waits for what comes. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Tells readers that there may be something new. */
  wake(): void {
    for (const reader of this.#readers) reader();
  }

  /** Calls back at every wake(), until the function that it returns is called. */
  onWake(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** Every entry from the first on, and undefined as long as there is no further one. Never ends. */
  *entries(): Generator<LogEntry | undefined, never> {
    let id = 1;
    yield { id: id++, kind: 'trace', data: JSON.stringify(this.header) };
    const known = new Set(Object.values(this.header.inputs));
    let remarks = 0;
    let events = 0;
    for (;;) {
      const remark = this.#remarks[remarks];
      const event = this.#events()[events];
      if (remark !== undefined && remark.after <= events) {
        remarks++;
        yield { id: id++, kind: remark.kind, data: remark.data };
      } else if (event !== undefined) {
        events++;
        for (const data of eventLines(event, { revealed: true, known }))
          yield { id: id++, kind: 'trace', data };
      } else yield undefined;
    }
  }

  /** The trace as the text of a file. */
  traceText(): string {
    return textOfLines(this.#traceLines());
  }

  *#traceLines(): Generator<string> {
    for (const entry of this.entries()) {
      if (entry === undefined) return;
      if (entry.kind === 'trace') yield entry.data;
    }
  }
}
