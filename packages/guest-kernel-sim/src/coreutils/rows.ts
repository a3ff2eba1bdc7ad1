import { concat, equal } from '@sevlab/codec/bytes';

/** A row of a dump. */
export interface DumpRow {
  /** Of its first byte in the input. */
  readonly offset: number;
  /** Undefined for a row that repeats the one above, and those after it that do. */
  readonly bytes?: Uint8Array;
}

/** Cuts a stream into rows, as dumps show them. */
export interface RowReader {
  /** The rows that more input completes. */
  take(part: Uint8Array): DumpRow[];
  /** What remains at the end of the input. */
  end(): DumpRow[];
  /** Bytes so far. */
  readonly total: number;
  /** As many bytes as were asked for are there. */
  readonly done: boolean;
}

/** Rows of `width` bytes, of the first `limit` bytes; `squeeze` leaves out rows that repeat the one above. */
export function createRowReader(
  width: number,
  { squeeze, limit }: { readonly squeeze: boolean; readonly limit: number },
): RowReader {
  let carry = new Uint8Array(0);
  let above: Uint8Array | undefined;
  let squeezed = false;
  let total = 0;
  return {
    get total() {
      return total;
    },
    get done() {
      return total >= limit;
    },
    take(part) {
      const wanted = part.subarray(0, limit - total);
      const start = total - carry.length;
      const bytes = concat(carry, wanted);
      total += wanted.length;
      const rows: DumpRow[] = [];
      let at = 0;
      for (; at + width <= bytes.length; at += width) {
        const row = bytes.slice(at, at + width);
        const repeats = squeeze && above !== undefined && equal(above, row);
        if (!repeats) rows.push({ offset: start + at, bytes: row });
        else if (!squeezed) rows.push({ offset: start + at });
        squeezed = repeats;
        above = row;
      }
      carry = new Uint8Array(bytes.slice(at));
      return rows;
    },
    end() {
      return carry.length === 0 ? [] : [{ offset: total - carry.length, bytes: carry }];
    },
  };
}
