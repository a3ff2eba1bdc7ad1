import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import { PAGE_SIZE } from './page-history.ts';

const PAGE = BigInt(PAGE_SIZE);

/** Where a guest page lies from an event on. */
interface Mapping {
  readonly at: number;
  readonly page: bigint;
  /** Whether the host moved it there; otherwise it was there before, too. */
  readonly moved: boolean;
}

/** The pages of one guest through time: where they lie in DRAM, and which of them are shared. Pages have 4 KiB. */
export class GuestPages {
  readonly #mappings = new Map<bigint, Mapping[]>();
  /** Guest pages that ever lay at a page of DRAM. */
  readonly #guests = new Map<bigint, Set<bigint>>();
  readonly #states = new Map<bigint, { readonly at: number; readonly shared: boolean }[]>();

  /** Event `at` shows, or makes it so if `moved`, that an address lies there. */
  map(at: number, from: bigint, to: bigint, moved: boolean): void {
    const page = to / PAGE;
    const mappings = entryOf(this.#mappings, from / PAGE, () => []);
    if (mappings.at(-1)?.page === page) return;
    mappings.push({ at, page, moved });
    entryOf(this.#guests, page, () => new Set()).add(from / PAGE);
  }

  /** Event `at` sets or clears the C-bit of so many pages. */
  setState(at: number, address: bigint, pages: number, shared: boolean): void {
    for (let page = address / PAGE; page < address / PAGE + BigInt(pages); page++) {
      entryOf(this.#states, page, () => []).push({ at, shared });
    }
  }

  /** Where an address lies in DRAM after the first `upTo` events; undefined when no event tells it. */
  spaOf(upTo: number, address: Gpa): Spa | undefined {
    const page = this.#pageOf(upTo, address / PAGE);
    return page === undefined ? undefined : spa(page * PAGE + (address % PAGE));
  }

  /** The lowest address that leads there; undefined when no event tells of one. */
  gpaOf(upTo: number, address: Spa): Gpa | undefined {
    const pages = [...(this.#guests.get(address / PAGE) ?? [])].filter(
      (page) => this.#pageOf(upTo, page) === address / PAGE,
    );
    const [first] = pages.sort(ascending);
    return first === undefined ? undefined : gpa(first * PAGE + (address % PAGE));
  }

  /** Whether the guest cleared the C-bit of the page: it means its cells as they are. */
  isShared(upTo: number, address: Gpa): boolean {
    return this.#states.get(address / PAGE)?.findLast(({ at }) => at < upTo)?.shared ?? false;
  }

  /** Addresses of the shared pages, lowest first. */
  shared(upTo: number): Gpa[] {
    const addresses = [...this.#states.keys()].map((page) => gpa(page * PAGE));
    return addresses.filter((address) => this.isShared(upTo, address)).sort(ascending);
  }

  #pageOf(upTo: number, page: bigint): bigint | undefined {
    const mappings = this.#mappings.get(page) ?? [];
    const now = mappings.findLast(({ at }) => at < upTo);
    if (now !== undefined) return now.page;
    return mappings[0]?.moved === false ? mappings[0].page : undefined; // it was there before anybody looked
  }
}

/** The order of addresses. */
export const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));

/** What a map has under a key, made first if there is nothing. */
export function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
