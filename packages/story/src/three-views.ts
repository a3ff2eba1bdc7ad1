import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import type { MemoryHistory } from './memory-history.ts';
import { PAGE_SIZE, type Seen } from './page-history.ts';

/** A piece of a range that lies in one page. */
export interface Piece {
  /** Bytes from the start of the range. */
  readonly offset: number;
  readonly length: number;
  /** Absent when no event tells it. */
  readonly gpa?: Gpa;
  readonly spa?: Spa;
  /** Whether it is guest memory without the C-bit: everybody sees the same. */
  readonly shared: boolean;
}

/** The same bytes as three parties see them. Each array has as many bytes as the range. */
export interface ThreeViews {
  readonly pieces: readonly Piece[];
  /** The host reads the cells of DRAM. */
  readonly host: Seen;
  /** The guest reads through its key, and shared pages as they are. */
  readonly guest: Seen;
  /** A device has no key: it reads cells, of guest pages only, by guest-physical addresses. */
  readonly device: Seen;
  /** 1 for each byte of which both are known, and guest and host see another. */
  readonly differs: Uint8Array;
}

/** Where to look: at an address of the guest, or of DRAM. */
export type MemoryPlace = { readonly gpa: Gpa } | { readonly spa: Spa };

/**
 * Memory after the first `upTo` events, `length` bytes of it. `asid` says whose eyes the guest's are; those of the first
 * guest unless given. Bytes that the trace does not tell are unknown. Throws RangeError for events that are not there.
 */
export function threeViews(
  history: MemoryHistory,
  upTo: number,
  place: MemoryPlace,
  length: number,
  asid: number = history.asids[0] ?? 0,
): ThreeViews {
  const host = unknown(length);
  const guest = unknown(length);
  const device = unknown(length);
  const pieces = piecesOf(history, upTo, place, { length, asid });
  for (const piece of pieces) {
    if (piece.spa === undefined) continue;
    const cells = history.cells(upTo, piece.spa, piece.length);
    put(host, cells, piece.offset);
    if (piece.gpa !== undefined) put(device, cells, piece.offset);
    const own = piece.shared ? cells : history.plaintext(upTo, asid, piece.spa, piece.length);
    put(guest, own, piece.offset);
  }
  const differs = host.bytes.map((byte, i) =>
    Number(host.known[i] === 1 && guest.known[i] === 1 && byte !== guest.bytes[i]),
  );
  return { pieces, host, guest, device, differs };
}

function piecesOf(
  history: MemoryHistory,
  upTo: number,
  place: MemoryPlace,
  { length, asid }: { readonly length: number; readonly asid: number },
): Piece[] {
  const start: bigint = 'gpa' in place ? place.gpa : place.spa;
  const pieces: Piece[] = [];
  for (let offset = 0; offset < length; ) {
    const at = start + BigInt(offset);
    const size = Math.min(PAGE_SIZE - Number(at % BigInt(PAGE_SIZE)), length - offset);
    const guestAddress = 'gpa' in place ? gpa(at) : history.gpaOf(upTo, asid, spa(at));
    const cells = 'gpa' in place ? history.spaOf(upTo, asid, gpa(at)) : spa(at);
    pieces.push({
      ...{ offset, length: size },
      ...(guestAddress !== undefined && { gpa: guestAddress }),
      ...(cells !== undefined && { spa: cells }),
      shared: guestAddress !== undefined && history.isShared(upTo, asid, guestAddress),
    });
    offset += size;
  }
  return pieces;
}

const unknown = (length: number): Seen => ({ bytes: new Uint8Array(length), known: new Uint8Array(length) });

function put(view: Seen, { bytes, known }: Seen, offset: number): void {
  view.bytes.set(bytes, offset);
  view.known.set(known, offset);
}
