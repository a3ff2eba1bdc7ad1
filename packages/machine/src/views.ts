import type { Observer } from '@sevlab/ambient/observer';
import { type Gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import type { Actor, Segment } from '@sevlab/codec/trace';
import { type DiskRequest, type DiskStatus, SECTOR_SIZE } from './devices/disk.ts';
import { touchedPages } from './dram.ts';
import { type GuestRam, locate, type Place } from './guest-ram.ts';
import type { MemoryController } from './memory-controller.ts';
import { type PartName, withoutCBit } from './part.ts';

const PAGE = 4096n;

/** The host's view: DRAM's cells as they are, so ciphertext where a guest wrote privately. No policy here. */
export class HostMemory {
  readonly #memory: MemoryController;
  readonly #observer: Observer;

  constructor(memory: MemoryController, observer: Observer) {
    this.#memory = memory;
    this.#observer = observer;
  }

  /** `length` cells from `address` on, as new bytes. */
  read(address: Spa, length: number): Uint8Array {
    observeRaw(this.#observer, 'host', 'read', address, length);
    return this.#memory.read(address, length);
  }

  /** Copies `cells` into DRAM from `address` on, over whatever anybody has there. */
  write(address: Spa, cells: Uint8Array): void {
    observeRaw(this.#observer, 'host', 'write', address, cells.length, cells);
    this.#memory.write(address, cells);
  }

  /** Every page of DRAM that holds anything but zeros, as cells. Looking leaves no trace. */
  touchedPages(): Generator<{ spa: Spa; cells: Uint8Array }> {
    return touchedPages(this.#memory.state.dram);
  }
}

/**
 * A guest's view of its own memory. The C-bit is in the method's name: private goes through the guest's key,
 * shared does not. Where the host gave no memory, reads give zeros and writes are lost, as in QEMU.
 */
export class GuestMemory {
  readonly #memory: MemoryController;
  readonly #observer: Observer;
  readonly #ram: GuestRam;
  readonly #asid: number;
  readonly #actor: Actor;

  constructor(memory: MemoryController, observer: Observer, ram: GuestRam, asid: number, actor: Actor) {
    this.#memory = memory;
    this.#observer = observer;
    this.#ram = ram;
    this.#asid = asid;
    this.#actor = actor;
  }

  /** The same memory in the hands of another part of the guest's software. */
  as(actor: Actor): GuestMemory {
    return new GuestMemory(this.#memory, this.#observer, this.#ram, this.#asid, actor);
  }

  /** `length` bytes of plaintext. Throws Error when the ASID never had a key. */
  readPrivate(address: Gpa, length: number): Uint8Array {
    const places = locate(this.#ram, address, length);
    const plain = gather(places, length, (at, size) => this.#memory.readEncrypted(this.#asid, at, size));
    this.#observe('read', 'private', address, length, places, undefined, plain);
    return plain;
  }

  /**
   * What `digest` makes of the same bytes, which it is given in parts; a trace cannot tell it from readPrivate(). Nothing
   * is read or computed again while forks share the cells, so `name` must stand for one function. Throws as readPrivate.
   */
  digestPrivate(
    address: Gpa,
    length: number,
    name: string,
    digest: (parts: Iterable<Uint8Array>) => Uint8Array,
  ): Uint8Array {
    const places = locate(this.#ram, address, length);
    const readAt = (at: Spa, size: number) => this.#memory.readEncrypted(this.#asid, at, size);
    let traced: Uint8Array | undefined;
    this.#observe('read', 'private', address, length, places, undefined, () => {
      traced = gather(places, length, readAt);
      return traced;
    });
    const compute = () => digest(traced === undefined ? inParts(places, readAt) : [traced]);
    const [first, ...more] = places;
    const at = more.length === 0 ? first?.spa : undefined;
    return at === undefined
      ? compute()
      : this.#memory.digestEncrypted(this.#asid, { address: Number(at), length, name }, compute);
  }

  /** Encrypts `plain` into the cells, block by block. Throws Error when the ASID never had a key. */
  writePrivate(address: Gpa, plain: Uint8Array): void {
    const places = locate(this.#ram, address, plain.length);
    const cells: Uint8Array[] = [];
    const segments: Place[] = [];
    scatter(places, plain, (at, part) => {
      const written = this.#memory.writeEncrypted(this.#asid, at, part);
      cells.push(written.cells);
      segments.push({ spa: spa(BigInt(written.start)), length: written.cells.length });
    });
    this.#observe('write', 'private', address, plain.length, segments, cells, plain);
  }

  /** `length` cells as they are. */
  readShared(address: Gpa, length: number): Uint8Array {
    const places = locate(this.#ram, address, length);
    this.#observe('read', 'shared', address, length, places);
    return gather(places, length, (at, size) => this.#memory.read(at, size));
  }

  /** Cells as they are: the host reads them. */
  writeShared(address: Gpa, cells: Uint8Array): void {
    const places = locate(this.#ram, address, cells.length);
    scatter(places, cells, (at, part) => this.#memory.write(at, part));
    this.#observe('write', 'shared', address, cells.length, places, [cells]);
  }

  /**
   * Clears the C-bit of so many pages from `page` on, a multiple of 4096: from now on the guest means their cells as they
   * are. What was private there is ciphertext then. Nothing stops a read or write of the other kind.
   */
  share(page: Gpa, pages: number): void {
    this.#setPageState(page, pages, true);
  }

  /** Sets the C-bit again. What was shared there decrypts to something else. */
  unshare(page: Gpa, pages: number): void {
    this.#setPageState(page, pages, false);
  }

  /** Whether the guest cleared the C-bit of the page that an address lies in. Looking leaves no trace. */
  isShared(address: Gpa): boolean {
    return this.#ram.shared.has(address / PAGE);
  }

  #setPageState(page: Gpa, pages: number, shared: boolean): void {
    for (let number = page / PAGE; number < page / PAGE + BigInt(pages); number++) {
      if (shared) this.#ram.shared.add(number);
      else this.#ram.shared.delete(number);
    }
    this.#observer.observe(this.#actor, 'memory', () => ({
      type: 'page-state',
      gpa: hexAddress(page),
      pages,
      shared,
    }));
  }

  #observe(
    operation: 'read' | 'write',
    view: 'private' | 'shared',
    address: Gpa,
    length: number,
    places: readonly Place[],
    cells?: readonly Uint8Array[],
    plain?: Uint8Array | (() => Uint8Array),
  ): void {
    this.#observer.observe(this.#actor, 'memory', () => ({
      type: 'access',
      operation,
      view,
      gpa: hexAddress(address),
      asid: this.#asid,
      length,
      segments: segmentsOf(places),
      ...(cells && { open: { cells: Buffer.concat(cells) } }),
      ...(plain && { closed: { plain: new Uint8Array(plain instanceof Uint8Array ? plain : plain()) } }),
    }));
  }
}

/**
 * The AMD-SP's view: raw cells, and any ASID's key. NOT MODELLED: the host's own key (SME), which the C-bit of an
 * address would choose for `read` and `write`.
 */
export class SecureProcessorMemory {
  readonly #memory: MemoryController;
  readonly #observer: Observer;
  readonly #part: PartName;

  constructor(memory: MemoryController, observer: Observer, part: PartName) {
    this.#memory = memory;
    this.#observer = observer;
    this.#part = part;
  }

  /** `length` cells from `address` on, as new bytes. */
  read(address: Spa, length: number): Uint8Array {
    const at = withoutCBit(this.#part, address);
    observeRaw(this.#observer, 'amd-sp', 'read', at, length);
    return this.#memory.read(at, length);
  }

  /** As many cells as `target` has, from `address` on: for whoever goes through much memory with one buffer. */
  readInto(address: Spa, target: Uint8Array): void {
    const at = withoutCBit(this.#part, address);
    observeRaw(this.#observer, 'amd-sp', 'read', at, target.length);
    this.#memory.readInto(at, target);
  }

  /** Copies `cells` into DRAM from `address` on. */
  write(address: Spa, cells: Uint8Array): void {
    const at = withoutCBit(this.#part, address);
    observeRaw(this.#observer, 'amd-sp', 'write', at, cells.length, cells);
    this.#memory.write(at, cells);
  }

  /** `length` bytes of plaintext, through the ASID's key. Throws Error for an ASID that never had one. */
  readEncrypted(address: Spa, length: number, asid: number): Uint8Array {
    const at = withoutCBit(this.#part, address);
    const plain = this.#memory.readEncrypted(asid, at, length);
    this.#observer.observe('amd-sp', 'memory', () => ({
      type: 'access',
      operation: 'read',
      view: 'private',
      asid,
      length,
      segments: [{ spa: hexAddress(at), length }],
      closed: { plain: new Uint8Array(plain) },
    }));
    return plain;
  }

  /** Through the ASID's key. Throws Error for an ASID that never had one. */
  writeEncrypted(address: Spa, plain: Uint8Array, asid: number): void {
    const { start, cells } = this.#memory.writeEncrypted(asid, withoutCBit(this.#part, address), plain);
    this.#observer.observe('amd-sp', 'memory', () => ({
      type: 'access',
      operation: 'write',
      view: 'private',
      asid,
      length: plain.length,
      segments: [{ spa: hexAddress(BigInt(start)), length: cells.length }],
      open: { cells },
      closed: { plain: new Uint8Array(plain) },
    }));
  }

  /** Puts a copy of a key, 16 or 32 bytes, into the slot of an ASID. */
  installKey(asid: number, key: Uint8Array): void {
    const installed = new Uint8Array(key); // whoever drew the key may wipe its own
    this.#memory.state.keys.set(asid, installed);
    this.#observer.observe('amd-sp', 'memory', () => ({
      type: 'key',
      asid,
      installed: true,
      closed: { key: installed },
    }));
  }

  /** Whether VMRUN accepts the ASID. Its key stays in the slot. */
  setRunnable(asid: number, runnable: boolean): void {
    if (runnable) this.#memory.state.runnable.add(asid);
    else this.#memory.state.runnable.delete(asid);
  }
}

/** The host's disk image, and a device that copies between it and raw guest memory. */
export class DiskDevice {
  readonly #image: Uint8Array;
  readonly #memory: MemoryController;
  readonly #observer: Observer;
  readonly #ram: GuestRam;

  constructor(image: Uint8Array, memory: MemoryController, observer: Observer, ram: GuestRam) {
    this.#image = image;
    this.#memory = memory;
    this.#observer = observer;
    this.#ram = ram;
  }

  /** Whole sectors of the image; bytes behind them cannot be reached. */
  get sectors(): number {
    return Math.floor(this.#image.length / SECTOR_SIZE);
  }

  /** IOERR, with nothing copied, unless all sectors are on the image and the whole buffer has memory behind it. */
  submit({ operation, sector, sectors, buffer }: DiskRequest): DiskStatus {
    const length = sectors * SECTOR_SIZE;
    const places = locate(this.#ram, buffer, length);
    const onImage = sector >= 0 && sectors >= 0 && sector + sectors <= this.sectors;
    if (!onImage || places.some((place) => place.spa === undefined)) return 'IOERR';
    const onDisk = this.#image.subarray(sector * SECTOR_SIZE, sector * SECTOR_SIZE + length);
    if (operation === 'read') scatter(places, onDisk, (at, part) => this.#memory.write(at, part));
    else onDisk.set(gather(places, length, (at, size) => this.#memory.read(at, size)));
    this.#observer.observe('disk', 'memory', () => ({
      type: 'access',
      operation: operation === 'read' ? 'write' : 'read', // a disk read is a write into memory
      view: 'raw',
      gpa: hexAddress(buffer),
      length,
      segments: segmentsOf(places),
      open: { cells: new Uint8Array(onDisk) },
    }));
    return 'OK';
  }
}

function observeRaw(
  observer: Observer,
  actor: Actor,
  operation: 'read' | 'write',
  address: Spa,
  length: number,
  cells?: Uint8Array,
): void {
  observer.observe(actor, 'memory', () => ({
    type: 'access',
    operation,
    view: 'raw',
    length,
    segments: [{ spa: hexAddress(address), length }],
    ...(cells && { open: { cells: new Uint8Array(cells) } }),
  }));
}

const segmentsOf = (places: readonly Place[]): Segment[] =>
  places.flatMap(({ spa: at, length }) => (at === undefined ? [] : [{ spa: hexAddress(at), length }]));

function gather(
  places: readonly Place[],
  length: number,
  read: (at: Spa, length: number) => Uint8Array,
): Uint8Array {
  const only = places[0];
  if (places.length === 1 && only?.spa !== undefined) return read(only.spa, length);
  const gathered = new Uint8Array(length);
  let offset = 0;
  for (const { spa: at, length: size } of places) {
    if (at !== undefined) gathered.set(read(at, size), offset);
    offset += size;
  }
  return gathered;
}

/** Reads no more than so many bytes at once, where all are not needed together. */
const PART = 128 * 1024;

/** What gather() gives, in parts. */
function* inParts(
  places: readonly Place[],
  read: (at: Spa, length: number) => Uint8Array,
): Generator<Uint8Array> {
  for (const { spa: at, length } of places) {
    for (let offset = 0; offset < length; offset += PART) {
      const size = Math.min(PART, length - offset);
      yield at === undefined ? new Uint8Array(size) : read(spa(at + BigInt(offset)), size);
    }
  }
}

function scatter(
  places: readonly Place[],
  bytes: Uint8Array,
  write: (at: Spa, part: Uint8Array) => void,
): void {
  let offset = 0;
  for (const { spa: at, length } of places) {
    if (at !== undefined) write(at, bytes.subarray(offset, offset + length));
    offset += length;
  }
}
