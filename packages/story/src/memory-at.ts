import { hexAddress, type Spa, spa } from '@sevlab/codec/address';
import type { TraceEvent } from '@sevlab/codec/trace';
import { bytesOf, type TraceBytes } from './event.ts';

const PAGE_SIZE = 4096;

interface Page {
  readonly cells: Uint8Array;
  /** 1 for each cell whose content is not in the trace; absent when every cell is known. */
  unknown?: Uint8Array;
}

/** DRAM as the trace tells of it: cells, so ciphertext where a guest wrote privately. Zeros where nobody wrote. */
export class MemoryCells {
  readonly #pages = new Map<bigint, Page>();

  /** Takes in the next event. Reads change nothing. */
  apply(event: TraceEvent<TraceBytes>): void {
    if (event.type !== 'access' || event.operation !== 'write') return;
    const cells = bytesOf(event.open, 'cells');
    const total = event.segments.reduce((sum, { length }) => sum + length, 0);
    // a shared write that ran over a hole does not say which of its bytes were lost
    const known = cells?.length === total ? cells : undefined;
    let offset = 0;
    for (const { spa: at, length } of event.segments) {
      this.#write(BigInt(at), length, known?.subarray(offset, offset + length));
      offset += length;
    }
  }

  /** `length` cells from `address` on, as a copy. Cells whose content is not in the trace are zeros: see isKnown. */
  read(address: Spa, length: number): Uint8Array {
    const cells = new Uint8Array(length);
    for (const part of parts(address, length)) {
      const page = this.#pages.get(part.page);
      if (page !== undefined) cells.set(page.cells.subarray(part.from, part.to), part.offset);
    }
    return cells;
  }

  /** Whether the trace has the content of every cell of a range. It names large inputs and does not hold them. */
  isKnown(address: Spa, length: number): boolean {
    return parts(address, length).every(
      ({ page, from, to }) => !this.#pages.get(page)?.unknown?.subarray(from, to).includes(1),
    );
  }

  /** Every page that somebody wrote to, as a copy, by its address; lowest first. */
  pages(): ReadonlyMap<Spa, Uint8Array> {
    const numbers = [...this.#pages.keys()].sort((a, b) => (a < b ? -1 : 1));
    return new Map(
      numbers.map((page) => [spa(page * BigInt(PAGE_SIZE)), this.#pages.get(page)!.cells.slice()]),
    );
  }

  /** The same memory, which goes its own way from here on. */
  fork(): MemoryCells {
    const copy = new MemoryCells();
    for (const [number, { cells, unknown }] of this.#pages) {
      copy.#pages.set(number, { cells: cells.slice(), ...(unknown && { unknown: unknown.slice() }) });
    }
    return copy;
  }

  #write(address: bigint, length: number, cells: Uint8Array | undefined): void {
    for (const { page: number, from, to, offset } of parts(address, length)) {
      let page = this.#pages.get(number);
      if (page === undefined) {
        page = { cells: new Uint8Array(PAGE_SIZE) };
        this.#pages.set(number, page);
      }
      if (cells === undefined) {
        page.cells.fill(0, from, to);
        page.unknown ??= new Uint8Array(PAGE_SIZE);
        page.unknown.fill(1, from, to);
      } else {
        page.cells.set(cells.subarray(offset, offset + to - from), from);
        page.unknown?.fill(0, from, to);
      }
    }
  }
}

/** Memory after the first `upTo` events. */
export function memoryAt(events: readonly TraceEvent<TraceBytes>[], upTo: number): MemoryCells {
  if (upTo < 0 || upTo > events.length) {
    throw new RangeError(`expected a number of events from 0 to ${events.length}, got ${upTo}`);
  }
  const memory = new MemoryCells();
  for (let i = 0; i < upTo; i++) memory.apply(events[i]!);
  return memory;
}

/** What a range has of each page: bytes `from` to `to` (excluded) of the page are `offset` bytes into the range. */
function parts(
  address: bigint,
  length: number,
): { page: bigint; from: number; to: number; offset: number }[] {
  if (length < 0) throw new RangeError(`expected a length from 0, got ${length} at ${hexAddress(address)}`);
  const found = [];
  for (let offset = 0; offset < length; ) {
    const at = address + BigInt(offset);
    const from = Number(at % BigInt(PAGE_SIZE));
    const to = Math.min(PAGE_SIZE, from + length - offset);
    found.push({ page: at / BigInt(PAGE_SIZE), from, to, offset });
    offset += to - from;
  }
  return found;
}
