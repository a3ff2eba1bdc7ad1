import { fromBase64 } from '@sevlab/codec/bytes';
import {
  TRACE_FORMAT,
  TRACE_VERSION,
  type TraceBlob,
  type TraceEvent,
  type TraceHeader,
  type WrittenBytes,
  type WrittenEvent,
} from '@sevlab/codec/trace';
import type { TraceBytes } from './event.ts';

export interface Trace {
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent<TraceBytes>[];
}

type Line = TraceHeader | TraceBlob | WrittenEvent;

/** Reads a trace line by line, as it comes from a file or from a run that goes on. */
export class TraceReader {
  readonly header: TraceHeader;
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #inputs: ReadonlySet<string>;
  #line = 1;

  /** Throws SyntaxError when the first line is not the header of a trace of this version. */
  constructor(firstLine: string) {
    const header = this.#parse(firstLine);
    if (!('format' in header) || header.format !== TRACE_FORMAT) {
      throw this.#error(`expected the header of a ${TRACE_FORMAT}`);
    }
    if (header.version !== TRACE_VERSION) {
      throw this.#error(`expected version ${TRACE_VERSION} of the format, got ${header.version}`);
    }
    this.header = header;
    this.#inputs = new Set(Object.values(header.inputs));
  }

  /**
   * The event of the next line, or undefined for a blob. Bytes of inputs, which a trace only names, and closed bytes
   * that were not revealed stay lengths. Throws SyntaxError with the number of the line.
   */
  read(line: string): TraceEvent<TraceBytes> | undefined {
    this.#line++;
    const parsed = this.#parse(line);
    if (!('type' in parsed)) throw this.#error('expected an event or a blob');
    if (parsed.type === 'blob') {
      this.#blobs.set(parsed.sha256, this.#decode(parsed.data));
      return undefined;
    }
    const { open, closed, ...rest } = parsed;
    return {
      ...rest,
      ...(open && { open: this.#resolve(open) }),
      ...(closed && { closed: this.#resolve(closed) }),
    };
  }

  #resolve(fields: Readonly<Record<string, WrittenBytes>>): Record<string, TraceBytes> {
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, this.#bytes(value)]));
  }

  #bytes(value: WrittenBytes): TraceBytes {
    if (typeof value === 'string') return this.#decode(value);
    if ('blob' in value) {
      const bytes = this.#blobs.get(value.blob);
      if (bytes !== undefined) return bytes;
      if (!this.#inputs.has(value.blob)) {
        throw this.#error(`blob ${value.blob} is not in the lines above, nor an input`);
      }
    }
    return { length: value.length };
  }

  #decode(base64: string): Uint8Array {
    try {
      return fromBase64(base64);
    } catch (error) {
      if (error instanceof SyntaxError) throw this.#error(error.message);
      throw error;
    }
  }

  #parse(line: string): Line {
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch (error) {
      if (error instanceof SyntaxError) throw this.#error(error.message);
      throw error;
    }
    if (typeof parsed !== 'object' || parsed === null) throw this.#error('expected a JSON object');
    return parsed as Line; // the header names format and version, and that is what their lines are
  }

  #error(message: string): SyntaxError {
    return new SyntaxError(`trace, line ${this.#line}: ${message}`);
  }
}

/** Reads a whole trace file. Empty lines are skipped. Throws SyntaxError. */
export function readTrace(lines: string): Trace {
  const [first, ...rest] = lines.split('\n').filter((line) => line.trim() !== '');
  const reader = new TraceReader(first ?? '');
  const events = rest.map((line) => reader.read(line)).filter((event) => event !== undefined);
  return { header: reader.header, events };
}
