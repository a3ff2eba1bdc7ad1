import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { type Gpa, gpa } from '@sevlab/codec/address';
import type { RegionRequest } from '@sevlab/machine/guest-ram';
import type { GuestContext, Host } from '@sevlab/machine/machine';

const PAGE = 4096;

/** A guest's RAM as the guest sees it, in a file that QEMU takes for a machine's memory. */
export class GuestMemoryFile {
  readonly path: string;
  readonly #regions: readonly RegionRequest[];

  /** `regions` is the guest's RAM in ascending order: QEMU's memory backend has one behind the other. */
  constructor(path: string, regions: readonly RegionRequest[]) {
    this.path = path;
    this.#regions = regions;
  }

  /** Bytes. */
  get size(): bigint {
    return this.#regions.reduce((sum, { length }) => sum + length, 0n);
  }

  /** Makes the file, for its owner alone: zeros, which take no room on most file systems. Throws the errors of node:fs. */
  create(): void {
    const file = openSync(this.path, 'w', 0o600);
    try {
      ftruncateSync(file, Number(this.size));
    } finally {
      closeSync(file);
    }
  }

  /** The same file without a name, for as long as this process lives (Linux, proc(5)). Throws the errors of node:fs. */
  hidden(): GuestMemoryFile {
    const file = openSync(this.path, 'r+');
    rmSync(this.path);
    return new GuestMemoryFile(`/proc/self/fd/${file}`, this.#regions);
  }

  /**
   * Writes what the guest's own page tables let it read, wherever the host has written or let write; the rest stays.
   * Throws the errors of node:fs.
   */
  writeAll(host: Host, guest: number, context: GuestContext): void {
    const file = openSync(this.path, 'r+');
    try {
      for (const address of this.#touchedPages(host, guest)) {
        const bytes = context.memory.isShared(address)
          ? context.memory.readShared(address, PAGE)
          : context.memory.readPrivate(address, PAGE);
        writeSync(file, bytes, 0, PAGE, this.#offsetOf(address));
      }
    } finally {
      closeSync(file);
    }
  }

  /** `length` bytes at a guest-physical address that is RAM. Throws RangeError, and the errors of node:fs. */
  read(address: Gpa, length: number): Uint8Array {
    const file = openSync(this.path, 'r');
    try {
      const bytes = new Uint8Array(length);
      readSync(file, bytes, 0, length, this.#offsetOf(address));
      return bytes;
    } finally {
      closeSync(file);
    }
  }

  *#touchedPages(host: Host, guest: number): Generator<Gpa> {
    const touched = new Set<bigint>();
    for (const { spa } of host.memory.touchedPages()) touched.add(spa);
    for (const { gpa: start, length } of this.#regions) {
      let address: bigint = start;
      for (const place of host.locate(guest, start, Number(length))) {
        for (let offset = 0; offset < place.length; offset += PAGE, address += BigInt(PAGE)) {
          if (place.spa !== undefined && touched.has(place.spa + BigInt(offset))) yield gpa(address);
        }
      }
    }
  }

  /** Whether there is RAM at that guest-physical address. */
  holds(address: Gpa): boolean {
    return this.#regions.some(({ gpa: start, length }) => address >= start && address < start + length);
  }

  #offsetOf(address: Gpa): number {
    let offset = 0n;
    for (const { gpa: start, length } of this.#regions) {
      if (address >= start && address < start + length) return Number(offset + address - start);
      offset += length;
    }
    throw new RangeError(`there is no RAM at 0x${address.toString(16)}`);
  }
}
