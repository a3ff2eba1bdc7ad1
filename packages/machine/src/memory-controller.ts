import type { Spa } from '@sevlab/codec/address';
import { createDram, type DramState, forkDram, readCells, readCellsInto, writeCells } from './dram.ts';
import { type DigestedRange, SharedDigests } from './shared-digests.ts';
import { BlockEncryption, type EncryptionMode } from './xex.ts';

const BLOCK = 16;

/** DRAM and the keys of the ASIDs, as plain data. */
export interface MemoryState {
  readonly dram: DramState;
  readonly mode: EncryptionMode;
  /** TWEAKED_BITS × 16 bytes, drawn at each start of the machine. */
  readonly tweakConstants: Uint8Array;
  /** The key that each ASID's slot holds. It stays when a guest leaves, until the next one comes. */
  readonly keys: Map<number, Uint8Array>;
  /** ASIDs that VMRUN accepts. */
  readonly runnable: Set<number>;
}

/** Cells of zero and no keys. `tweakConstants`: TWEAK_CONSTANTS_SIZE bytes. */
export const createMemory = (mode: EncryptionMode, tweakConstants: Uint8Array): MemoryState => ({
  dram: createDram(),
  mode,
  tweakConstants,
  keys: new Map(),
  runnable: new Set(),
});

const forkMemory = (memory: MemoryState): MemoryState => ({
  ...memory,
  dram: forkDram(memory.dram),
  keys: new Map(memory.keys),
  runnable: new Set(memory.runnable),
});

/**
 * Cells, and the same cells through an ASID's key. Encryption works on 16-byte blocks: an access that does not
 * start or end on one reads, and for writing rewrites, the whole block.
 */
export class MemoryController {
  readonly state: MemoryState;
  readonly #encryption: BlockEncryption;
  readonly #digests: SharedDigests;

  constructor(
    state: MemoryState,
    encryption = new BlockEncryption(state.mode, state.tweakConstants),
    digests = new SharedDigests(),
  ) {
    this.state = state;
    this.#encryption = encryption;
    this.#digests = digests;
  }

  /** The same cells and keys from here on; neither sees what the other writes. */
  fork(): MemoryController {
    return new MemoryController(forkMemory(this.state), this.#encryption, this.#digests);
  }

  /** `length` cells as they are. */
  read(address: Spa, length: number): Uint8Array {
    return readCells(this.state.dram, Number(address), length);
  }

  /** As many cells as `target` has, as they are. */
  readInto(address: Spa, target: Uint8Array): void {
    readCellsInto(this.state.dram, Number(address), target);
  }

  /** Copies `cells` into DRAM as they are. */
  write(address: Spa, cells: Uint8Array): void {
    writeCells(this.state.dram, Number(address), cells);
  }

  /** `length` bytes of plaintext. Throws Error for an ASID that never had a key. */
  readEncrypted(asid: number, address: Spa, length: number): Uint8Array {
    const { start, blocks } = widen(address, length);
    const plain = this.#encryption.decrypt(this.#key(asid), start, readCells(this.state.dram, start, blocks));
    const offset = Number(address) - start;
    return plain.subarray(offset, offset + length);
  }

  /**
   * What `compute` makes of the plaintext of a range. While forks share the cells it is computed once. Throws Error for
   * an ASID that never had a key.
   */
  digestEncrypted(asid: number, range: Omit<DigestedRange, 'key'>, compute: () => Uint8Array): Uint8Array {
    return this.#digests.of(this.state.dram, { ...range, key: this.#key(asid) }, compute);
  }

  /**
   * Returns the cells that were written, whole blocks, and the system-physical address where they start. Throws
   * Error for an ASID that never had a key.
   */
  writeEncrypted(asid: number, address: Spa, plain: Uint8Array): { start: number; cells: Uint8Array } {
    const key = this.#key(asid);
    const { start, blocks } = widen(address, plain.length);
    const offset = Number(address) - start;
    const whole = blocks === plain.length ? plain : this.#fillEdges(key, start, blocks, offset, plain);
    const cells = this.#encryption.encrypt(key, start, whole);
    writeCells(this.state.dram, start, cells);
    return { start, cells };
  }

  /** `plain` in whole blocks, with what the first and the last block hold around it. */
  #fillEdges(key: Uint8Array, start: number, blocks: number, offset: number, plain: Uint8Array): Uint8Array {
    const whole = new Uint8Array(blocks);
    const fill = (edge: number): void => {
      const cells = readCells(this.state.dram, start + edge, BLOCK);
      whole.set(this.#encryption.decrypt(key, start + edge, cells), edge);
    };
    const last = blocks - BLOCK;
    if (offset > 0) fill(0);
    if (offset + plain.length < blocks && (last > 0 || offset === 0)) fill(last);
    whole.set(plain, offset);
    return whole;
  }

  #key(asid: number): Uint8Array {
    const key = this.state.keys.get(asid);
    if (key === undefined) throw new Error(`ASID ${asid} never had a key`);
    return key;
  }
}

/** The whole blocks around a range: the first one's address and the length of all, both in bytes. */
function widen(address: Spa, length: number): { start: number; blocks: number } {
  const at = Number(address);
  if (length === 0) return { start: at, blocks: 0 };
  const start = at - (at % BLOCK);
  return { start, blocks: Math.ceil((at + length - start) / BLOCK) * BLOCK };
}
