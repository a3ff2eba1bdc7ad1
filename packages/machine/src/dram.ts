import { type Spa, spa } from '@sevlab/codec/address';

const CHUNK = 2 * 1024 * 1024;
const PAGE = 4096;
/** A write of this many bytes into untouched memory makes a whole chunk, a shorter one only pages. */
const CHUNK_WORTHY = 64 * 1024;

/** Cells with the machine that may change them in place; any other copies first. */
interface Owned {
  readonly owner: symbol;
  readonly cells: Uint8Array;
}

/** Cells of DRAM, as plain data: 2 MiB chunks under 4 KiB pages that were written since a fork. */
export interface DramState {
  owner: symbol;
  readonly chunks: Map<number, Owned>;
  readonly pages: Map<number, Owned>;
}

/** DRAM in which every cell is zero. */
export const createDram = (): DramState => ({ owner: Symbol('dram'), chunks: new Map(), pages: new Map() });

/** Shares all cells; whoever writes first copies the page. Takes microseconds, whatever was touched. */
export function forkDram(dram: DramState): DramState {
  dram.owner = Symbol('dram'); // from here on the parent does not own the cells either
  return { owner: Symbol('dram'), chunks: new Map(dram.chunks), pages: new Map(dram.pages) };
}

/** `length` bytes from system-physical `address` on, as a copy. Untouched cells read as zero. */
export function readCells(dram: DramState, address: number, length: number): Uint8Array {
  const inOnePage = (address % PAGE) + length <= PAGE;
  if (inOnePage)
    return pageCells(dram, address - (address % PAGE)).slice(address % PAGE, (address % PAGE) + length);
  const read = new Uint8Array(length);
  readCellsInto(dram, address, read);
  return read;
}

/** As many bytes as `target` has, from system-physical `address` on. */
export function readCellsInto(dram: DramState, address: number, target: Uint8Array): void {
  const { length } = target;
  for (let done = 0; done < length; ) {
    const at = address + done;
    const page = dram.pages.get(Math.floor(at / PAGE));
    if (page !== undefined) {
      const offset = at % PAGE;
      const part = page.cells.subarray(offset, offset + length - done);
      target.set(part, done);
      done += part.length;
      continue;
    }
    const step = stretchWithoutPages(dram, at, length - done);
    const chunk = dram.chunks.get(Math.floor(at / CHUNK));
    if (chunk === undefined) target.fill(0, done, done + step);
    else target.set(chunk.cells.subarray(at % CHUNK, (at % CHUNK) + step), done);
    done += step;
  }
}

/** How many bytes from `at` on, `most` at most, lie in one chunk and before the next page. */
function stretchWithoutPages(dram: DramState, at: number, most: number): number {
  const length = Math.min(most, CHUNK - (at % CHUNK));
  if (dram.pages.size === 0) return length;
  let stretch = 0;
  while (stretch < length && !dram.pages.has(Math.floor((at + stretch) / PAGE)))
    stretch += PAGE - ((at + stretch) % PAGE);
  return Math.min(length, stretch);
}

/**
 * The chunks that hold a range, when no machine changes any of them again: cells that forks share are copied before
 * somebody writes. Undefined when some of the range may change, or lies in pages.
 */
export function unchangingCells(dram: DramState, address: number, length: number): Uint8Array[] | undefined {
  for (const number of dram.pages.keys())
    if ((number + 1) * PAGE > address && number * PAGE < address + length) return undefined;
  const found: Uint8Array[] = [];
  for (let number = Math.floor(address / CHUNK); number * CHUNK < address + length; number++) {
    const chunk = dram.chunks.get(number);
    if (chunk === undefined || chunk.owner === dram.owner) return undefined;
    found.push(chunk.cells);
  }
  return found;
}

/** Copies `bytes` into the cells from system-physical `address` on. */
export function writeCells(dram: DramState, address: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const at = address + done;
    const chunkNumber = Math.floor(at / CHUNK);
    const left = bytes.length - done;
    const inChunk = Math.min(left, CHUNK - (at % CHUNK));
    let chunk = dram.chunks.get(chunkNumber);
    if (chunk === undefined && inChunk >= CHUNK_WORTHY) {
      chunk = { owner: dram.owner, cells: new Uint8Array(CHUNK) };
      dram.chunks.set(chunkNumber, chunk);
    }
    const inOwnChunk = chunk?.owner === dram.owner ? stretchWithoutPages(dram, at, left) : 0;
    if (chunk !== undefined && inOwnChunk > 0) {
      chunk.cells.set(bytes.subarray(done, done + inOwnChunk), at % CHUNK);
      done += inOwnChunk;
    } else {
      const inPage = Math.min(left, PAGE - (at % PAGE));
      ownPage(dram, Math.floor(at / PAGE)).set(bytes.subarray(done, done + inPage), at % PAGE);
      done += inPage;
    }
  }
}

function ownPage(dram: DramState, number: number): Uint8Array {
  const page = dram.pages.get(number);
  if (page?.owner === dram.owner) return page.cells;
  const own = { owner: dram.owner, cells: readCells(dram, number * PAGE, PAGE) };
  dram.pages.set(number, own);
  return own.cells;
}

/** Every page that holds anything but zeros, in ascending order. */
export function* touchedPages(dram: DramState): Generator<{ spa: Spa; cells: Uint8Array }> {
  const numbers = new Set(dram.pages.keys());
  for (const chunk of dram.chunks.keys()) {
    for (let page = 0; page < CHUNK / PAGE; page++) numbers.add((chunk * CHUNK) / PAGE + page);
  }
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const address = number * PAGE;
    const cells = pageCells(dram, address);
    if (Buffer.compare(cells, ZEROS) !== 0) yield { spa: spa(BigInt(address)), cells: new Uint8Array(cells) };
  }
}

const ZEROS = new Uint8Array(PAGE);

/** The cells of a page themselves, not a copy. */
function pageCells(dram: DramState, address: number): Uint8Array {
  const page = dram.pages.get(address / PAGE)?.cells;
  if (page !== undefined) return page;
  const offset = address % CHUNK;
  return dram.chunks.get(Math.floor(address / CHUNK))?.cells.subarray(offset, offset + PAGE) ?? ZEROS;
}
