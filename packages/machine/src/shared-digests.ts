import { type DramState, unchangingCells } from './dram.ts';

/** What is digested: so many bytes at a system-physical address, through one key. */
export interface DigestedRange {
  readonly key: Uint8Array;
  /** Bytes. */
  readonly address: number;
  readonly length: number;
  /** Which function it is; the same name is always the same function. */
  readonly name: string;
}

interface Known extends DigestedRange {
  readonly cells: readonly Uint8Array[];
  readonly digest: Uint8Array;
}

/** Digests of memory that forks share. They are made once, as long as nobody wrote there since the fork. */
export class SharedDigests {
  /** By the first cells of the range. */
  readonly #known = new WeakMap<Uint8Array, Known[]>();

  /** What `compute` gives, or gave for the same cells. */
  of(dram: DramState, range: DigestedRange, compute: () => Uint8Array): Uint8Array {
    const cells = unchangingCells(dram, range.address, range.length);
    const [first] = cells ?? [];
    if (cells === undefined || first === undefined) return compute();
    const all = this.#known.get(first) ?? [];
    const found = all.find(
      (known) => isSame(known, range) && known.cells.every((each, i) => each === cells[i]),
    );
    if (found !== undefined) return found.digest;
    const digest = compute();
    this.#known.set(first, [...all, { ...range, cells, digest }]);
    return digest;
  }
}

/** Keys are never written to, so that the same key is the same bytes. */
const isSame = (a: DigestedRange, b: DigestedRange): boolean =>
  a.key === b.key && a.address === b.address && a.length === b.length && a.name === b.name;
