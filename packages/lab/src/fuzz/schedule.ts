import type { Chunk } from './chunk.ts';

interface DoorChunks {
  /** Places in the list of all chunks. */
  readonly left: number[];
  threads: number;
}

/**
 * Doors beyond the first one that is not done to which a thread may go. What is done ahead waits for what comes before,
 * and is lost when the campaign is broken off.
 */
const AHEAD = 4;

/** Which thread does which chunk: it stays at its door, whose code it has compiled, and then goes to one where nobody is. */
export class Schedule {
  readonly #doors: DoorChunks[];
  readonly #at: (DoorChunks | undefined)[];

  constructor(chunks: readonly Chunk[], threads: number) {
    const doors = new Map<string, DoorChunks>();
    chunks.forEach(({ door }, place) => {
      const known = doors.get(door) ?? { left: [], threads: 0 };
      known.left.push(place);
      doors.set(door, known);
    });
    this.#doors = [...doors.values()];
    this.#at = Array.from({ length: threads });
  }

  /** The place of the chunk that a thread does next; undefined when nothing is left. */
  next(thread: number): number | undefined {
    const before = this.#at[thread];
    if (before !== undefined && before.left.length > 0) return before.left.shift();
    if (before !== undefined) before.threads--;
    const first = this.#doors.findIndex(({ left }) => left.length > 0);
    const reach = this.#doors.slice(first, first + 1 + AHEAD);
    const open = reach.filter(({ left }) => left.length > 0);
    const fewest = Math.min(...open.map(({ threads }) => threads));
    const door = open.find(({ threads }) => threads === fewest);
    this.#at[thread] = door;
    if (door === undefined) return undefined;
    door.threads++;
    return door.left.shift();
  }
}
