import { gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import { equal, toHex } from '@sevlab/codec/bytes';
import { readSecretTable, SecretEntry } from '@sevlab/codec/efi/secret-table';
import type { Actor, Segment } from '@sevlab/codec/trace';
import { type AnyEvent, bytesOf, type EventOf, lengthOf, ofType } from './event.ts';
import { leadOf, MemoryHistory } from './memory-history.ts';
import { BLOCK_SIZE } from './page-history.ts';
import { PLACES, type PlaceKey, type PlaceKind } from './places.ts';
import { type Step, stepAt } from './steps.ts';

/** A byte of a secret: `offset` bytes from the start of its data. */
export interface SecretByte {
  readonly guid: string;
  readonly offset: number;
}

/** One place that the byte came to. */
export interface Place {
  readonly kind: PlaceKind;
  /** Index of the step, position of the event in the trace, and its sequence number. */
  readonly step: number;
  readonly event: number;
  readonly seq: number;
  readonly title: string;
  readonly sentence: string;
  /** Where in DRAM, and where in the guest. */
  readonly spa?: string;
  readonly gpa?: string;
  /** Where in the secret, the table, the packet or the file; bytes from its start. */
  readonly offset?: number;
  readonly path?: string;
  readonly key: PlaceKey;
  /** What lies there, from 0 to 255; absent when the trace has it not. */
  readonly byte?: number;
  /** The block of memory encryption that it is part of: all 16 bytes depend on it. */
  readonly block?: { readonly spa: string; readonly bytes: Uint8Array };
  /** Who could read the byte there in the clear. */
  readonly clear: readonly Actor[];
  /** Who could see the byte there, and sees noise. */
  readonly noise: readonly Actor[];
}

/** A secret that a trace tells of, and how many bytes it has. */
export interface TracedSecret {
  readonly guid: string;
  readonly length: number;
}

/** The secrets whose bytes can be followed: from packets, or when their plaintext is not in the trace, from reads. */
export function tracedSecrets(events: readonly AnyEvent[]): TracedSecret[] {
  const found = new Map<string, number>();
  for (const { entries } of packetsOf(events))
    for (const { guid, data } of entries) found.set(guid, data.length);
  for (const { path, name, result } of ofType(events, 'syscall')) {
    const guid = GUID_AT_END.exec(path)?.[0];
    if (guid !== undefined && name === 'read' && Number(result) > 0 && !found.has(guid))
      found.set(guid, Number(result));
  }
  return [...found].map(([guid, length]) => ({ guid, length }));
}

/**
 * The places that a byte of a secret came to, in order, as far as the trace tells of them. `history` is that of the same
 * events. Empty when nothing is known of the byte.
 */
export function journeyOf(
  events: readonly AnyEvent[],
  steps: readonly Step[],
  byte: SecretByte,
  history: MemoryHistory = new MemoryHistory(events),
): Place[] {
  const journey = new Journey(events, steps, byte, history);
  for (const at of events.keys()) journey.follow(at);
  return journey.places;
}

const GUID_AT_END = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A packet that the guest owner sent; `plaintext` and `entries` only of a trace with closed bytes. */
interface Packet {
  readonly at: number;
  readonly data: Uint8Array | undefined;
  readonly plaintext: Uint8Array | undefined;
  readonly entries: ReturnType<typeof readSecretTable>['entries'];
}

function packetsOf(events: readonly AnyEvent[]): Packet[] {
  return events.flatMap((event, at) => {
    if (event.type !== 'message' || event.name !== 'packet') return [];
    const plaintext = bytesOf(event.closed, 'plaintext');
    const entries = plaintext === undefined ? [] : readSecretTable(plaintext).entries;
    return [{ at, data: bytesOf(event.open, 'data'), plaintext, entries }];
  });
}

/** A packet with the byte in it, `index` bytes into table and data. */
type Carrier = Packet & { readonly index: number };

function carriersOf(events: readonly AnyEvent[], byte: SecretByte, history: MemoryHistory): Carrier[] {
  const packets = packetsOf(events);
  const told = packets.flatMap((packet) => {
    const entry = packet.entries.find(({ guid, data }) => guid === byte.guid && byte.offset < data.length);
    return entry === undefined ? [] : [{ ...packet, index: entry.offset + SecretEntry.size + byte.offset }];
  });
  if (told.length > 0) return told;
  const read = placeWhereRead(events, byte);
  if (read === undefined) return [];
  const packet = packets.findLast(({ at, plaintext }) => at < read.at && plaintext === undefined);
  const index = packet && read.index;
  return index !== undefined && index < (packet?.data?.length ?? 0) && history.length > 0
    ? [{ ...packet!, index }]
    : [];
}

/** Where in the table a byte must be whose file was read: the kernel reads private memory for it right before. */
function placeWhereRead(
  events: readonly AnyEvent[],
  { guid, offset }: SecretByte,
): { readonly at: number; readonly index: number } | undefined {
  for (const [at, event] of events.entries()) {
    if (event.type !== 'syscall' || event.name !== 'read' || !event.path.endsWith(guid)) continue;
    if (!(Number(event.result) > offset)) continue;
    const area = ofType(events.slice(0, at), 'handover').at(-1)?.secretArea;
    const before = events[at - 1];
    if (area === undefined || before?.type !== 'access' || before.gpa === undefined) return undefined;
    if (before.view !== 'private' || before.length !== event.result) return undefined;
    return { at, index: Number(BigInt(before.gpa) - BigInt(area.base)) + offset };
  }
  return undefined;
}

/** What is told of a place beside its kind. */
type PlaceFields = Partial<Pick<Place, 'spa' | 'gpa' | 'offset' | 'path' | 'byte' | 'block'>> & {
  readonly key: PlaceKey;
};

class Journey {
  readonly places: Place[] = [];
  readonly #events: readonly AnyEvent[];
  readonly #steps: readonly Step[];
  readonly #byte: SecretByte;
  readonly #history: MemoryHistory;
  readonly #carriers: readonly Carrier[];
  /** Where the byte lies under the key of a guest, with the ciphertexts that its block had. */
  readonly #copies = new Map<bigint, { readonly asid: number | undefined; readonly blocks: Set<string> }>();
  /** How far each file was read since it was opened, by its path. */
  readonly #positions = new Map<string, number>();
  /** What the AMD-SP decrypted in the command that runs. */
  #decrypted: { readonly plain: Uint8Array; readonly index: number } | undefined;
  #command = '';

  constructor(events: readonly AnyEvent[], steps: readonly Step[], byte: SecretByte, history: MemoryHistory) {
    this.#events = events;
    this.#steps = steps;
    this.#byte = byte;
    this.#history = history;
    this.#carriers = carriersOf(events, byte, history);
  }

  /** Goes on with the event at a position. */
  follow(at: number): void {
    const event = this.#events[at]!;
    switch (event.type) {
      case 'message':
        this.#sent(at);
        break;
      case 'command':
        this.#command = event.name;
        this.#decrypted = undefined;
        break;
      case 'access':
        if (event.operation === 'write') this.#written(event, at);
        else this.#read(event, at);
        break;
      case 'syscall':
        this.#called(event, at);
        break;
    }
  }

  #sent(at: number): void {
    const carrier = this.#carriers.find((each) => each.at === at);
    if (carrier === undefined) return;
    const { data, plaintext, index } = carrier;
    if (plaintext !== undefined) {
      const inTheClear = { key: { kind: 'none' }, ...valueAt(plaintext, index) } as const;
      this.#add('owner', at, { ...inTheClear, offset: this.#byte.offset });
      this.#add('table', at, { ...inTheClear, offset: index });
    }
    this.#add('packet', at, { key: { kind: 'TEK' }, offset: index, ...valueAt(data, index) });
  }

  #written(event: EventOf<'access'>, at: number): void {
    const cells = bytesOf(event.open, 'cells');
    if (event.view === 'raw') this.#copied(event, at, cells);
    for (const [address, { asid, blocks }] of this.#copies) {
      const start = blockOf(address);
      if (!event.segments.some((segment) => meets(segment, start))) continue;
      const block = this.#blockAt(at, spa(start));
      const known = blocks.has(toHex(block));
      blocks.add(toHex(block));
      const fields = { ...this.#inDram(at, address), key: vek(asid) };
      if (event.view !== 'private') this.#add(known ? 'restored' : 'overwritten', at, fields);
      else if (event.actor !== 'amd-sp') this.#rewritten(event, at, { address, fields });
    }
    if (event.actor === 'amd-sp' && event.view === 'private') this.#injected(event, at);
  }

  /** The packet in a buffer of the host, or plaintext that the AMD-SP writes for it. */
  #copied(event: EventOf<'access'>, at: number, cells: Uint8Array | undefined): void {
    if (cells === undefined) return;
    const carrier = this.#carriers.find((each) => each.at < at && each.data && equal(each.data, cells));
    if (carrier !== undefined && event.actor === 'host') {
      const place = addressAt(event.segments, carrier.index);
      if (place !== undefined)
        this.#add('host-buffer', at, {
          ...{ spa: hexAddress(place), offset: carrier.index, key: { kind: 'TEK' } },
          ...valueAt(cells, carrier.index),
        });
    }
    const { plain, index } = this.#decrypted ?? {};
    if (event.actor === 'amd-sp' && plain !== undefined && index !== undefined && equal(plain, cells)) {
      const place = addressAt(event.segments, index);
      if (place !== undefined)
        this.#add('leak', at, { spa: hexAddress(place), key: { kind: 'none' }, ...valueAt(cells, index) });
    }
  }

  /** LAUNCH_SECRET writes a table under the key of the guest. */
  #injected(event: EventOf<'access'>, at: number): void {
    const plain = bytesOf(event.closed, 'plain');
    const carrier = this.#carriers.findLast(({ at: sent, data, plaintext }) => {
      if (sent > at) return false;
      if (plain === undefined || plaintext === undefined)
        return this.#command === 'LAUNCH_SECRET' && data?.length === lengthOfWrite(event);
      return equal(plain.subarray(0, plaintext.length), plaintext);
    });
    const address = carrier && addressAt(event.segments, carrier.index);
    if (address === undefined) return;
    const block = this.#blockAt(at, spa(blockOf(address)));
    const before = this.#copies.get(address);
    this.#copies.set(address, {
      asid: event.asid,
      blocks: (before?.blocks ?? new Set<string>()).add(toHex(block)),
    });
    this.#add('dram', at, { ...this.#inDram(at, address), key: vek(event.asid) });
  }

  /** The guest wrote the block: over the byte, or beside it, which changes the ciphertext all the same. */
  #rewritten(
    event: EventOf<'access'>,
    at: number,
    { address, fields }: { readonly address: bigint; readonly fields: PlaceFields },
  ): void {
    const { asid } = event;
    const index = indexAt(event.segments, address);
    const inside = index !== undefined && index >= leadOf(event) && index < leadOf(event) + event.length;
    if (!inside) {
      const last = this.places.at(-1);
      if (last?.kind === 'wiped-dram' && last.spa === fields.spa && last.step === this.#stepAt(at))
        this.places.pop();
      const wiped = last !== undefined && last !== this.places.at(-1);
      this.#add(wiped ? 'wiped-dram' : 're-encrypted', at, fields);
      return;
    }
    const plain = asid === undefined ? undefined : this.#history.plaintext(at + 1, asid, spa(address), 1);
    const byte = plain?.known[0] === 1 ? plain.bytes[0] : undefined;
    const guestAddress = asid === undefined ? undefined : this.#history.gpaOf(at + 1, asid, spa(address));
    const place = {
      ...(guestAddress !== undefined && { gpa: hexAddress(guestAddress) }),
      ...{ spa: hexAddress(address), key: vek(asid) },
      ...(byte !== undefined && { byte }),
    };
    if (byte === undefined || byte === 0) {
      this.#add('wiped', at, place);
      this.#add('wiped-dram', at, fields);
    } else this.#add('rewritten', at, place);
  }

  #read(event: EventOf<'access'>, at: number): void {
    const plain = bytesOf(event.closed, 'plain');
    for (const [address, copy] of this.#copies) {
      const index = indexAt(event.segments, address);
      if (index === undefined) continue;
      if (event.view === 'raw') {
        if (event.actor === 'host')
          this.#add('host-copy', at, { ...this.#inDram(at, address), key: vek(copy.asid) });
        continue;
      }
      if (event.view !== 'private') continue;
      if (event.actor === 'amd-sp') {
        if (plain !== undefined) this.#decrypted = { plain, index };
        continue;
      }
      const kind = event.asid === copy.asid ? 'guest-memory' : 'other-guest';
      if (this.places.some((place) => place.kind === kind && place.step === this.#stepAt(at))) continue;
      const start = event.gpa === undefined ? undefined : gpa(BigInt(event.gpa) + BigInt(index));
      this.#add(kind, at, {
        ...(start !== undefined && { gpa: hexAddress(start) }),
        ...{ spa: hexAddress(address), key: vek(event.asid) },
        ...valueAt(plain, index),
      });
    }
  }

  #called(event: EventOf<'syscall'>, at: number): void {
    const { name, path, result } = event;
    if (!path.endsWith(this.#byte.guid)) return;
    if (name === 'open') this.#positions.set(path, 0);
    if (name !== 'read' || typeof result !== 'number') return;
    const position = this.#positions.get(path) ?? 0;
    this.#positions.set(path, position + result);
    const { offset } = this.#byte;
    if (offset < position || offset >= position + result) return;
    this.#add('file', at, {
      ...{ path, offset, key: vek(this.#history.asids[0]) },
      ...valueAt(bytesOf(event.closed, 'data'), offset - position),
    });
  }

  #inDram(at: number, address: bigint): Required<Pick<PlaceFields, 'spa' | 'block'>> & { byte?: number } {
    const { bytes, known } = this.#history.cells(at + 1, spa(address), 1);
    const start = spa(blockOf(address));
    return {
      spa: hexAddress(address),
      block: { spa: hexAddress(start), bytes: this.#blockAt(at, start) },
      ...(known[0] === 1 && { byte: bytes[0]! }),
    };
  }

  /** The block behind event `at`. */
  #blockAt(at: number, start: Spa): Uint8Array {
    return this.#history.cells(at + 1, start, BLOCK_SIZE).bytes;
  }

  #stepAt(at: number): number {
    return stepAt(this.#steps, at)?.index ?? -1;
  }

  #add(kind: PlaceKind, at: number, fields: PlaceFields): void {
    this.places.push({
      kind,
      ...{ step: this.#stepAt(at), event: at, seq: this.#events[at]!.seq },
      ...PLACES[kind],
      ...fields,
    });
  }
}

const vek = (asid: number | undefined): PlaceKey => ({ kind: 'VEK', ...(asid !== undefined && { asid }) });

const valueAt = (bytes: Uint8Array | undefined, index: number): { readonly byte?: number } => {
  const byte = bytes?.[index];
  return byte === undefined ? {} : { byte };
};

const blockOf = (address: bigint): bigint => address - (address % BigInt(BLOCK_SIZE));

const meets = ({ spa: from, length }: Segment, block: bigint): boolean =>
  BigInt(from) < block + BigInt(BLOCK_SIZE) && block < BigInt(from) + BigInt(length);

const lengthOfWrite = (event: EventOf<'access'>): number | undefined =>
  lengthOf(event.open, 'cells') ?? event.length;

/** The address of byte `index` of an access. */
function addressAt(segments: readonly Segment[], index: number): bigint | undefined {
  let left = index;
  for (const { spa: from, length } of segments) {
    if (left < length) return BigInt(from) + BigInt(left);
    left -= length;
  }
  return undefined;
}

/** Which byte of an access is at an address. */
function indexAt(segments: readonly Segment[], address: bigint): number | undefined {
  let before = 0;
  for (const { spa: from, length } of segments) {
    if (BigInt(from) <= address && address < BigInt(from) + BigInt(length))
      return before + Number(address - BigInt(from));
    before += length;
  }
  return undefined;
}
