import type { Spa } from '@sevlab/codec/address';
import { createDram, type DramState, forkDram, readCells, writeCells } from './dram.ts';
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

export const createMemory = (mode: EncryptionMode, tweakConstants: Uint8Array): MemoryState => ({
  dram: createDram(),
  mode,
  tweakConstants,
  keys: new Map(),
  runnable: new Set(),
});

export const forkMemory = (memory: MemoryState): MemoryState => ({
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

  constructor(state: MemoryState, encryption = new BlockEncryption(state.mode, state.tweakConstants)) {
    this.state = state;
    this.#encryption = encryption;
  }

  fork(): MemoryController {
    return new MemoryController(forkMemory(this.state), this.#encryption);
  }

  read(address: Spa, length: number): Uint8Array {
    return readCells(this.state.dram, Number(address), length);
  }

  write(address: Spa, cells: Uint8Array): void {
    writeCells(this.state.dram, Number(address), cells);
  }

  readEncrypted(asid: number, address: Spa, length: number): Uint8Array {
    const { start, blocks } = widen(address, length);
    const plain = this.#encryption.decrypt(this.#key(asid), start, readCells(this.state.dram, start, blocks));
    const offset = Number(address) - start;
    return offset === 0 && blocks === length ? plain : plain.slice(offset, offset + length);
  }

  /** Returns the cells that were written and where they start. */
  writeEncrypted(asid: number, address: Spa, plain: Uint8Array): { start: number; cells: Uint8Array } {
    const { start, blocks } = widen(address, plain.length);
    let whole = plain;
    if (blocks !== plain.length) {
      whole = this.#encryption.decrypt(this.#key(asid), start, readCells(this.state.dram, start, blocks));
      whole.set(plain, Number(address) - start);
    }
    const cells = this.#encryption.encrypt(this.#key(asid), start, whole);
    writeCells(this.state.dram, start, cells);
    return { start, cells };
  }

  #key(asid: number): Uint8Array {
    const key = this.state.keys.get(asid);
    if (key === undefined) throw new Error(`ASID ${asid} never had a key`);
    return key;
  }
}

function widen(address: Spa, length: number): { start: number; blocks: number } {
  const at = Number(address);
  const start = at - (at % BLOCK);
  return { start, blocks: Math.ceil((at + length - start) / BLOCK) * BLOCK };
}
