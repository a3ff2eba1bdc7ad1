import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NV_AREA_SIZE } from '@sevlab/psp-sim/nv-area';
import { createDurably, makeFolderDurably, replaceDurably } from './durable-file.ts';

/** Bytes of the chip unique key. */
const FUSES_SIZE = 32;

/** A file of the store has no use: somebody else than this program was there. */
export class StoreDamaged extends Error {
  readonly path: string;

  constructor(path: string, expected: string, got: string) {
    super(`${path}: expected ${expected}, got ${got}`);
    this.name = 'StoreDamaged';
    this.path = path;
  }
}

/**
 * Where an emulated platform lasts between two runs: its chip in `fuses.bin`, its identity in `nv-area.bin`, sealed by
 * the AMD-SP for that chip. Each changes in one step, so that a crash at any moment leaves the old or the new identity:
 * fuses are written once and before any area. Both are private to the user. Methods throw the errors of node:fs.
 */
export class PlatformStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get #fuses(): string {
    return join(this.folder, 'fuses.bin');
  }

  /** The file of the identity. */
  get areaFile(): string {
    return join(this.folder, 'nv-area.bin');
  }

  /** The fuses of the chip, 32 bytes; undefined when there is none yet. Throws StoreDamaged. */
  loadFuses(): Uint8Array | undefined {
    return load(this.#fuses, FUSES_SIZE);
  }

  /** The fuses of the chip that sealed the area. Throws StoreDamaged when they are gone. */
  loadFusesOfArea(): Uint8Array {
    const fuses = this.loadFuses();
    if (fuses !== undefined) return fuses;
    throw new StoreDamaged(this.areaFile, 'fuses.bin beside it, the chip that sealed it', 'no such file');
  }

  /** The fuses of the chip; the first caller's `drawn` for ever after. Throws StoreDamaged. */
  fuseOnce(drawn: Uint8Array): Uint8Array {
    makeFolderDurably(this.folder);
    return createOrLoad(this.#fuses, drawn) ?? drawn;
  }

  /** NV_AREA_SIZE bytes, or undefined when the platform has no identity yet. Throws StoreDamaged. */
  loadArea(): Uint8Array | undefined {
    return load(this.areaFile, NV_AREA_SIZE);
  }

  /** Makes the first identity. False when there is one, which stays. */
  createArea(area: Uint8Array): boolean {
    return createOrLoad(this.areaFile, area) === undefined;
  }

  /** Puts an identity in the place of the one that is there, if there is one. */
  replaceArea(area: Uint8Array): void {
    replaceDurably({ path: this.areaFile, content: area, mode: 0o600 });
  }
}

/** What was there already, or undefined when the content is there now. */
function createOrLoad(path: string, content: Uint8Array): Uint8Array | undefined {
  try {
    createDurably({ path, content, mode: 0o600 });
    return undefined;
  } catch (error) {
    const there = (error as { code?: string }).code === 'EEXIST' ? load(path, content.length) : undefined; // of node:fs
    if (there === undefined) throw error;
    return there;
  }
}

function load(path: string, size: number): Uint8Array | undefined {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined; // of node:fs
    throw error;
  }
  if (bytes.length !== size) throw new StoreDamaged(path, `${size} bytes`, `${bytes.length}`);
  return bytes;
}
