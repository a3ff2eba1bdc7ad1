import { type Gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import { type AnyEvent, bytesOf, type EventOf } from './event.ts';
import { ascending, entryOf, GuestPages } from './guest-pages.ts';
import { BLOCK_SIZE, PAGE_SIZE, PageHistory, type Seen } from './page-history.ts';

const PAGE = BigInt(PAGE_SIZE);

/**
 * DRAM after any number of events of a trace, without folding the trace anew for each. It knows what the trace tells:
 * cells that were written, plaintext that went through a guest's key, and which guest page lay where. Guests are known by
 * their ASIDs.
 */
export class MemoryHistory {
  readonly #pages = new Map<bigint, PageHistory>();
  readonly #guests = new Map<number, GuestPages>();
  /** Who was launched or ran last: of whom an event speaks that names no ASID. */
  #current = 0;
  #length = 0;

  constructor(events: Iterable<AnyEvent> = []) {
    for (const event of events) this.add(event);
  }

  /** How many events it has. */
  get length(): number {
    return this.#length;
  }

  /** ASIDs in the order in which they come up. The first is that of the guest that a lesson is about. */
  get asids(): readonly number[] {
    return [...this.#guests.keys()];
  }

  /** Takes in the next event, of a run that goes on. */
  add(event: AnyEvent): void {
    const at = this.#length++;
    switch (event.type) {
      case 'key':
      case 'vmrun':
        this.#current = event.asid;
        this.#guest(event.asid);
        break;
      case 'remap':
        this.#guest().map(at, BigInt(event.gpa), BigInt(event.spa), true);
        break;
      case 'page-state':
        this.#guest().setState(at, BigInt(event.gpa), event.pages, event.shared);
        break;
      case 'access':
        this.#access(event, at);
        break;
    }
  }

  /** Cells, so ciphertext where a guest wrote privately; zeros where nobody wrote. A copy. */
  cells(upTo: number, address: Spa, length: number): Seen {
    return this.#gather(upTo, address, length, (page) => page?.cells(upTo));
  }

  /** What the cells decrypt to with the key of an ASID, as far as the trace tells it. A copy. */
  plaintext(upTo: number, asid: number, address: Spa, length: number): Seen {
    return this.#gather(upTo, address, length, (page) => page?.plain(upTo, asid) ?? UNKNOWN);
  }

  /** Where an address of a guest lies in DRAM; undefined when no event tells it. */
  spaOf(upTo: number, asid: number, address: Gpa): Spa | undefined {
    return this.#guests.get(asid)?.spaOf(upTo, address);
  }

  /** The lowest address of a guest that leads there; undefined when no event tells of one. */
  gpaOf(upTo: number, asid: number, address: Spa): Gpa | undefined {
    return this.#guests.get(asid)?.gpaOf(upTo, address);
  }

  /** Whether the guest cleared the C-bit of the page: it means its cells as they are. */
  isShared(upTo: number, asid: number, address: Gpa): boolean {
    return this.#guests.get(asid)?.isShared(upTo, address) ?? false;
  }

  /** Addresses of the guest's shared pages, lowest first. */
  sharedPages(upTo: number, asid: number): Gpa[] {
    return this.#guests.get(asid)?.shared(upTo) ?? [];
  }

  /** Addresses of the pages that somebody wrote to, lowest first; `privately`: through a guest's key. */
  writtenPages(upTo: number, { privately = false } = {}): Spa[] {
    const found: Spa[] = [];
    for (const [page, { firstWritten, firstPrivate }] of this.#pages) {
      if ((privately ? firstPrivate : firstWritten) < upTo) found.push(spa(page * PAGE));
    }
    return found.sort(ascending);
  }

  #guest(asid = this.#current): GuestPages {
    return entryOf(this.#guests, asid, () => new GuestPages());
  }

  #access(event: EventOf<'access'>, at: number): void {
    this.#learnPlaces(event, at);
    const { operation, view, asid } = event;
    const writes = operation === 'write';
    const total = event.segments.reduce((sum, { length }) => sum + length, 0);
    const cells = bytesOf(event.open, 'cells');
    // a shared write that ran over a hole does not say which of its bytes were lost
    const known = cells?.length === total ? cells : undefined;
    const plain = plaintextOf(event, total);
    if (!writes && plain === undefined) return;
    let offset = 0;
    for (const { spa: start, length } of event.segments) {
      for (const part of parts(BigInt(start), length)) {
        const size = part.to - part.from;
        const { page, from, to } = part;
        const place = offset + part.offset;
        entryOf(this.#pages, page, () => new PageHistory()).add({
          at,
          ...(writes && {
            written: { from, to, ...(known && { cells: known.subarray(place, place + size) }) },
          }),
          ...(view === 'private' &&
            asid !== undefined && { plain: { asid, ...cut(plain, { place, size, from }) } }),
        });
      }
      offset += length;
    }
  }

  /** An access by a guest-physical address shows where that address lies. */
  #learnPlaces(event: EventOf<'access'>, at: number): void {
    if (event.gpa === undefined) return;
    const guest = this.#guest(event.asid);
    let address = BigInt(event.gpa) - BigInt(leadOf(event));
    for (const { spa: start, length } of event.segments) {
      if ((address - BigInt(start)) % PAGE !== 0n) break; // behind a hole
      for (const { page, offset } of parts(BigInt(start), length)) {
        guest.map(at, address + BigInt(offset), page * PAGE, false);
      }
      address += BigInt(length);
    }
  }

  #gather(
    upTo: number,
    address: Spa,
    length: number,
    read: (page: PageHistory | undefined) => Seen | undefined,
  ): Seen {
    if (upTo < 0 || upTo > this.#length) {
      throw new RangeError(`expected a number of events from 0 to ${this.#length}, got ${upTo}`);
    }
    const bytes = new Uint8Array(length);
    const known = new Uint8Array(length).fill(1);
    for (const { page, from, to, offset } of parts(address, length)) {
      const seen = read(this.#pages.get(page));
      if (seen === undefined) continue; // nobody wrote there: zeros
      bytes.set(seen.bytes.subarray(from, to), offset);
      known.set(seen.known.subarray(from, to), offset);
    }
    return { bytes, known };
  }
}

const UNKNOWN: Seen = { bytes: new Uint8Array(PAGE_SIZE), known: new Uint8Array(PAGE_SIZE) };

/** Plaintext of an access, and how many bytes into the segments it starts. */
interface Plaintext {
  readonly bytes: Uint8Array;
  readonly lead: number;
}

/** Undefined when it is not in the trace, or when it is not clear which bytes of the segments it is. */
function plaintextOf(event: EventOf<'access'>, total: number): Plaintext | undefined {
  const bytes = bytesOf(event.closed, 'plain');
  if (bytes === undefined) return undefined;
  const lead = leadOf(event);
  const tail = total - lead - bytes.length;
  // only a guest's write says at which byte of a block it started
  const widened = event.operation === 'write' && event.gpa !== undefined;
  return tail === 0 || (widened && tail > 0 && tail < BLOCK_SIZE) ? { bytes, lead } : undefined;
}

/** Writes are of whole blocks: by how many bytes the first segment starts before the access does. */
export function leadOf({ gpa, segments: [first], view, operation }: EventOf<'access'>): number {
  if (gpa === undefined || first === undefined || view !== 'private' || operation === 'read') return 0;
  return Number((BigInt(gpa) - BigInt(first.spa)) & BigInt(BLOCK_SIZE - 1));
}

/** What of the plaintext belongs to `size` bytes from `place` in the segments, which are at `from` in their page. */
function cut(
  plain: Plaintext | undefined,
  { place, size, from }: { readonly place: number; readonly size: number; readonly from: number },
): { readonly from: number; readonly bytes: Uint8Array } {
  if (plain === undefined) return { from, bytes: new Uint8Array(0) };
  const start = Math.max(place - plain.lead, 0);
  const bytes = plain.bytes.subarray(start, Math.max(place - plain.lead + size, 0));
  return { from: from + Math.max(plain.lead - place, 0), bytes };
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
    const from = Number(at % PAGE);
    const to = Math.min(PAGE_SIZE, from + length - offset);
    found.push({ page: at / PAGE, from, to, offset });
    offset += to - from;
  }
  return found;
}
