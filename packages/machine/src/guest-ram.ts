import { type Gpa, type Spa, spa } from '@sevlab/codec/address';

const PAGE = 4096n;
const FRAME = 2n * 1024n * 1024n;

/** Guest-physical memory that is contiguous in DRAM. */
export interface GuestRegion {
  readonly gpa: Gpa;
  readonly spa: Spa;
  /** Bytes. */
  readonly length: bigint;
}

/** Where a guest's memory lies: the host's nested page tables, and of the guest's the C-bits, as plain data. */
export interface GuestRam {
  readonly regions: readonly GuestRegion[];
  /** Pages (by GPA divided by 4096) that the host moved. */
  readonly moved: Map<bigint, Spa>;
  /** Pages whose C-bit the guest has cleared in its own page tables. The host has no part in that. */
  readonly shared: Set<bigint>;
}

/** What a guest is given: each region with its guest-physical start and its length, both whole pages, in bytes. */
export interface RegionRequest {
  readonly gpa: Gpa;
  readonly length: bigint;
}

/**
 * Gives each region frames of 2 MiB from `firstFrame` on, one after another, keeping the place within a frame.
 * Returns the map and the next free frame.
 */
export function mapGuestRam(
  requests: readonly RegionRequest[],
  firstFrame: Spa,
): { ram: GuestRam; nextFrame: Spa } {
  let frame: bigint = firstFrame;
  const regions = requests.map(({ gpa: start, length }) => {
    const within = start % FRAME;
    const region = { gpa: start, spa: spa(frame + within), length };
    frame += ((within + length + FRAME - 1n) / FRAME) * FRAME;
    return region;
  });
  return { ram: { regions, moved: new Map(), shared: new Set() }, nextFrame: spa(frame) };
}

/** The same places from here on; either can be remapped alone. */
export const forkGuestRam = (ram: GuestRam): GuestRam => ({
  regions: ram.regions,
  moved: new Map(ram.moved),
  shared: new Set(ram.shared),
});

/** A piece of a guest-physical range. Without `spa` there is no memory behind it. */
export interface Place {
  readonly spa: Spa | undefined;
  /** Bytes. */
  readonly length: number;
}

/** Where a guest-physical range lies in DRAM, in order, joined where it is contiguous. */
export function locate(ram: GuestRam, address: Gpa, length: number): Place[] {
  const places: { spa: Spa | undefined; length: number }[] = [];
  const end = address + BigInt(length);
  for (let at: bigint = address; at < end; ) {
    const region = ram.regions.find(({ gpa: start, length: size }) => at >= start && at < start + size);
    const pageEnd = (at / PAGE + 1n) * PAGE;
    const whole = region !== undefined && ram.moved.size === 0;
    const stop = [end, whole ? region.gpa + region.length : pageEnd].reduce((a, b) => (b < a ? b : a));
    const moved = ram.moved.get(at / PAGE);
    const place =
      moved !== undefined ? spa(moved + (at % PAGE)) : region && spa(region.spa + (at - region.gpa));
    const last = places.at(-1);
    const follows =
      last !== undefined &&
      (last.spa === undefined ? place === undefined : last.spa + BigInt(last.length) === place);
    if (follows) last.length += Number(stop - at);
    else places.push({ spa: place, length: Number(stop - at) });
    at = stop;
  }
  return places;
}
