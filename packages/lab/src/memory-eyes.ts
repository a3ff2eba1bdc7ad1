import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import type { Pipeline } from './pipeline.ts';

/** Who looks at a guest's memory. `dma` is a device, whose accesses go by no guest's key. */
export const EYES = ['host', 'guest', 'dma'] as const;
export type Eyes = (typeof EYES)[number];

/** A part of what was looked at. */
export interface SeenPart {
  readonly gpa: Gpa;
  /** Absent where the host gave no memory: it reads as zeros. */
  readonly spa?: Spa;
  /** Bytes. */
  readonly length: number;
  /** Whether the guest has the C-bit of these pages set, so that it means them through its key. */
  readonly private: boolean;
}

export interface SeenMemory {
  readonly bytes: Uint8Array;
  readonly parts: readonly SeenPart[];
}

const PAGE = 4096n;

/**
 * The same memory of the guest that was launched last, as one of three sees it; undefined when there is no guest. The guest's
 * own eyes need no VMRUN. Looking is no part of the run, and leaves no trace.
 */
export function memoryAs(
  pipeline: Pipeline,
  eyes: Eyes,
  address: Gpa,
  length: number,
): SeenMemory | undefined {
  const { launching } = pipeline.progress;
  if (launching === undefined) return undefined;
  const { guest, asid } = launching.record;
  const machine = pipeline.actors.machine.fork(createObserver());
  const slot = machine.state.guests.get(guest);
  if (slot === undefined || asid === undefined) return undefined;
  const { memory } = machine.guestContext(slot, asid);
  const bytes = new Uint8Array(length);
  const parts: SeenPart[] = [];
  let offset = 0;
  for (const place of pagesOf(address, length)) {
    const isPrivate = !memory.isShared(place.gpa);
    for (const { spa: at, length: size } of machine.host.locate(guest, place.gpa, place.length)) {
      const from = gpa(address + BigInt(offset));
      if (at !== undefined) {
        const seen =
          eyes === 'guest' && isPrivate ? memory.readPrivate(from, size) : machine.host.memory.read(at, size);
        bytes.set(seen, offset);
      }
      join(parts, { gpa: from, ...(at !== undefined && { spa: at }), length: size, private: isPrivate });
      offset += size;
    }
  }
  return { bytes, parts };
}

function* pagesOf(address: Gpa, length: number): Generator<{ gpa: Gpa; length: number }> {
  const end = address + BigInt(length);
  for (let at: bigint = address; at < end; ) {
    const next = (at / PAGE + 1n) * PAGE;
    const stop = next < end ? next : end;
    yield { gpa: gpa(at), length: Number(stop - at) };
    at = stop;
  }
}

/** Appends a part, or lengthens the last one that it continues. */
function join(parts: SeenPart[], part: SeenPart): void {
  const last = parts.at(-1);
  const continues =
    last !== undefined &&
    last.private === part.private &&
    (last.spa === undefined ? part.spa === undefined : spa(last.spa + BigInt(last.length)) === part.spa);
  if (continues) parts[parts.length - 1] = { ...last, length: last.length + part.length };
  else parts.push(part);
}
