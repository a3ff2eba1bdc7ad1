import { equal } from '@sevlab/codec/bytes';

/** Bytes. */
export const PAGE_SIZE = 4096;
/** Memory encryption works on blocks of so many bytes. */
export const BLOCK_SIZE = 16;

/** Bytes as far as the trace has them; `known` is 1 for each that it has, and the others are zeros. */
export interface Seen {
  readonly bytes: Uint8Array;
  readonly known: Uint8Array;
}

/** What happened to bytes of one page: cells were written, plaintext was written or read, or both. */
export interface PageChange {
  /** Position of the event in the trace. */
  readonly at: number;
  /** Cells that were written, `to` excluded. `cells` is absent when the trace has not their content. */
  readonly written?: { readonly from: number; readonly to: number; readonly cells?: Uint8Array };
  /** Plaintext under the key of an ASID, from byte `from` on. */
  readonly plain?: { readonly asid: number; readonly from: number; readonly bytes: Uint8Array };
}

/** Bytes `from` to `to` (excluded) of a page, and what is told of them. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly seen: Seen;
}

/** A checkpoint after so many changes; a page between two of them is folded from the first. */
const CHECKPOINT = 64;

interface Contents {
  cells: Seen;
  /** By ASID. */
  readonly plain: Map<number, Seen>;
}

/** One page of 4 KiB through time. */
export class PageHistory {
  readonly #changes: PageChange[] = [];
  /** After 0, CHECKPOINT, 2 * CHECKPOINT … changes. */
  readonly #checkpoints: Contents[] = [{ cells: zeros(), plain: new Map() }];
  /** What was asked for last, since the next question is mostly for a place shortly behind it. */
  #last: { changes: number; contents: Contents } | undefined;

  /** Positions of the first event that wrote anything, and of the first that wrote through a key. */
  firstWritten = Number.POSITIVE_INFINITY;
  firstPrivate = Number.POSITIVE_INFINITY;
  /** And of the first that wrote cells where somebody had written through a key before. */
  #firstSpoilt = Number.POSITIVE_INFINITY;

  /** Takes in a change behind all others. */
  add(change: PageChange): void {
    this.#changes.push(change);
    if (change.written !== undefined) {
      this.firstWritten = Math.min(this.firstWritten, change.at);
      if (change.plain !== undefined) this.firstPrivate = Math.min(this.firstPrivate, change.at);
      else if (change.at > this.firstPrivate) this.#firstSpoilt = Math.min(this.#firstSpoilt, change.at);
    }
    if (this.#changes.length % CHECKPOINT === 0) {
      const contents = copied(this.#checkpoints.at(-1)!);
      for (const each of this.#changes.slice(-CHECKPOINT)) apply(contents, each);
      this.#checkpoints.push(contents);
    }
  }

  /** The cells after the first `upTo` events. Not a copy. */
  cells(upTo: number): Seen {
    return this.#contents(upTo).cells;
  }

  /** What the cells decrypt to with the key of an ASID. Not a copy. */
  plain(upTo: number, asid: number): Seen | undefined {
    return this.#contents(upTo).plain.get(asid);
  }

  /**
   * Plaintext of blocks under the key of an ASID that is not told at this time, but was at another: the same cells in the
   * same place decrypt to the same bytes, as long as the key is the same, which it is from event `since` on. `seen` is what
   * is told of bytes `from` to `to`; what can be added to it is written into it.
   */
  recall(upTo: number, asid: number, since: number, { from, to, seen }: Window): void {
    if (upTo <= this.#firstSpoilt) return;
    const told = this.#changes.filter(
      ({ at, written, plain }) =>
        at >= since &&
        at < upTo &&
        written?.cells !== undefined &&
        plain?.asid === asid &&
        plain.bytes.length > 0,
    );
    if (told.length === 0) return;
    const { bytes: cells, known } = this.cells(upTo);
    for (let block = from - (from % BLOCK_SIZE); block < to; block += BLOCK_SIZE) {
      const [first, last] = [Math.max(block, from), Math.min(block + BLOCK_SIZE, to)];
      if (seen.known.subarray(first - from, last - from).includes(1)) continue;
      if (known.subarray(block, block + BLOCK_SIZE).includes(0)) continue;
      const own = cells.subarray(block, block + BLOCK_SIZE);
      const change = told.findLast((each) => holds(each, block) && equal(cellsOf(each, block), own));
      if (change?.plain === undefined) continue;
      const { plain } = change;
      seen.bytes.set(plain.bytes.subarray(first - plain.from, last - plain.from), first - from);
      seen.known.fill(1, first - from, last - from);
    }
  }

  #contents(upTo: number): Contents {
    const changes = this.#countUpTo(upTo);
    const checkpoint = Math.floor(changes / CHECKPOINT);
    let start = checkpoint * CHECKPOINT;
    let contents: Contents;
    const last = this.#last;
    if (last !== undefined && last.changes <= changes && last.changes >= start) {
      if (last.changes === changes) return last.contents;
      start = last.changes;
      contents = last.contents;
    } else contents = copied(this.#checkpoints[checkpoint]!);
    for (let i = start; i < changes; i++) apply(contents, this.#changes[i]!);
    this.#last = { changes, contents };
    return contents;
  }

  /** How many changes come from the first `upTo` events. */
  #countUpTo(upTo: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#changes[middle]!.at < upTo) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a change has cells and plaintext of a whole block. */
const holds = ({ written, plain }: PageChange, block: number): boolean =>
  written !== undefined &&
  plain !== undefined &&
  Math.max(written.from, plain.from) <= block &&
  block + BLOCK_SIZE <= Math.min(written.to, plain.from + plain.bytes.length);

const cellsOf = ({ written }: PageChange, block: number): Uint8Array =>
  written?.cells?.subarray(block - written.from, block - written.from + BLOCK_SIZE) ?? NOTHING;

const NOTHING = new Uint8Array(0);

/** Nobody wrote there yet: DRAM starts as zeros. */
const zeros = (): Seen => ({
  bytes: new Uint8Array(PAGE_SIZE),
  known: new Uint8Array(PAGE_SIZE).fill(1),
});

const nothing = (): Seen => ({ bytes: new Uint8Array(PAGE_SIZE), known: new Uint8Array(PAGE_SIZE) });

const copiedSeen = ({ bytes, known }: Seen): Seen => ({ bytes: bytes.slice(), known: known.slice() });

const copied = ({ cells, plain }: Contents): Contents => ({
  cells: copiedSeen(cells),
  plain: new Map([...plain].map(([asid, seen]) => [asid, copiedSeen(seen)])),
});

function apply(contents: Contents, { written, plain }: PageChange): void {
  if (written !== undefined) {
    const { from, to, cells } = written;
    if (cells === undefined) contents.cells.bytes.fill(0, from, to);
    else contents.cells.bytes.set(cells, from);
    contents.cells.known.fill(cells === undefined ? 0 : 1, from, to);
    for (const [asid, seen] of contents.plain) if (asid !== plain?.asid) forget(seen, from, to);
    // under this key the rest of a block is what it was, unless what was written is not in the trace
    const own = plain && contents.plain.get(plain.asid);
    if (own !== undefined && plain?.bytes.length === 0) forget(own, from, to);
  }
  if (plain === undefined || plain.bytes.length === 0) return;
  let seen = contents.plain.get(plain.asid);
  if (seen === undefined) {
    seen = nothing();
    contents.plain.set(plain.asid, seen);
  }
  seen.bytes.set(plain.bytes, plain.from);
  seen.known.fill(1, plain.from, plain.from + plain.bytes.length);
}

/** A block of which one cell changed decrypts to something else as a whole. */
function forget({ bytes, known }: Seen, from: number, to: number): void {
  const start = from - (from % BLOCK_SIZE);
  const end = Math.ceil(to / BLOCK_SIZE) * BLOCK_SIZE;
  bytes.fill(0, start, end);
  known.fill(0, start, end);
}
