import { hexAddress, spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import { SecretEntry } from '@sevlab/codec/efi/secret-table';
import { EfiSystemTable } from '@sevlab/codec/efi/system-table';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_BUFFERS } from '@sevlab/codec/sev/command';
import { STRUCTURES } from '@sevlab/codec/structures';
import { type AnyEvent, bytesOf, decoded, type EventOf, ofType } from './event.ts';
import {
  bootParamsOf,
  contentOf,
  listed,
  POINTERS,
  type Pointer,
  packetData,
  sentField,
} from './known-structures.ts';
import { MemoryHistory } from './memory-history.ts';
import type { Step } from './steps.ts';
import { type AnnotatedBytes, manyStructures, oneStructure } from './structure-fields.ts';
import { secretTable } from './tables.ts';

/** A structure that a step passes from one to another, or writes, or reads. */
export interface PassingStructure extends AnnotatedBytes {
  /** Position of the event in the trace, and its sequence number. */
  readonly event: number;
  readonly seq: number;
  /** Open bytes are what the host can see. */
  readonly openness: 'open' | 'closed';
  /** Where it lies; absent in a message. */
  readonly address?: { readonly space: 'spa' | 'gpa'; readonly value: string };
}

type Where = Pick<PassingStructure, 'openness' | 'address'>;

const NAMES = new Map(Object.entries(STRUCTURES).map(([name, structure]) => [structure, name]));
const BUFFERS: Readonly<Record<string, Struct<unknown>>> = COMMAND_BUFFERS;

/** Of what a command says that it is longer, this many bytes are shown. */
const LONGEST = 0x1_0000;

/** What the firmware left for the kernel, and where. */
interface HandedOver {
  readonly at: number;
  readonly event: EventOf<'handover'>;
  /** Of the configuration tables; absent when the trace does not tell it. */
  readonly configurationTable: string | undefined;
}

/** The structures of a trace, found step by step as somebody asks for them. */
export class Structures {
  readonly #events: readonly AnyEvent[];
  readonly #history: MemoryHistory;
  readonly #handovers: readonly HandedOver[];
  /** Bytes of messages, by the names that they have there. */
  readonly #sent: readonly { readonly at: number; readonly field: string; readonly bytes: Uint8Array }[];

  constructor(events: readonly AnyEvent[], history: MemoryHistory = new MemoryHistory(events)) {
    this.#events = events;
    this.#history = history;
    this.#handovers = handoversOf(events);
    this.#sent = events.flatMap((event, at) =>
      event.type !== 'message'
        ? []
        : Object.keys(event.open ?? {}).flatMap((field) => {
            const bytes = bytesOf(event.open, field);
            return bytes === undefined ? [] : [{ at, field, bytes }];
          }),
    );
  }

  /** The structures of a step, in the order of its events. Those without bytes in the trace are left out. */
  of({ first, last }: Pick<Step, 'first' | 'last'>): PassingStructure[] {
    const passing: PassingStructure[] = [];
    let command: EventOf<'command'> | undefined;
    for (let at = first; at <= last; at++) {
      const event = this.#events[at];
      if (event === undefined) continue;
      const add: Add = (where, annotated) => {
        if (annotated !== undefined)
          passing.push({ event: at, seq: event.seq, ...annotated, ...moved(where, annotated) });
      };
      if (event.type === 'command') command = event;
      if (event.type === 'message') this.#message(event, add);
      else if (event.type === 'command') this.#command(event, { at, last }, add);
      else if (event.type === 'status') answer(event, command, add);
      else if (event.type === 'access') this.#access(event, { at, command: command?.name }, add);
    }
    return passing;
  }

  #message(event: EventOf<'message'>, add: Add): void {
    for (const field of Object.keys(event.open ?? {})) {
      const bytes = bytesOf(event.open, field);
      if (bytes !== undefined) add({ openness: 'open' }, sentField(field, bytes));
    }
    const plaintext = bytesOf(event.closed, 'plaintext');
    if (plaintext !== undefined) add({ openness: 'closed' }, secretTable(plaintext));
  }

  /** The buffer, and what its addresses lead to: before the command, or behind it when the AMD-SP writes there. */
  #command(
    event: EventOf<'command'>,
    { at, last }: { readonly at: number; readonly last: number },
    add: Add,
  ): void {
    const layout = BUFFERS[event.name];
    const bytes = bytesOf(event.open, 'buffer');
    if (layout === undefined || bytes === undefined || bytes.length < layout.size) return;
    const buffer = { space: 'spa', value: event.bufferPaddr } as const;
    add({ openness: 'open', address: buffer }, bufferOf(event.name, bytes, 'command buffer'));
    const fields = new Map(Object.entries(layout.decodeAt(bytes, 0) ?? {}));
    const done = ofType(this.#events.slice(at, last + 1), 'status').some(
      ({ status }) => status === 'SUCCESS',
    );
    for (const pointer of POINTERS[event.name] ?? []) {
      const address: unknown = fields.get(pointer.field);
      if (typeof address !== 'bigint' || address === 0n || (pointer.written && !done)) continue;
      const length: unknown = fields.get(pointer.lengthField ?? '');
      const upTo = pointer.written ? last + 1 : at;
      const annotated = this.#pointedAt(pointer, { upTo, address, length: Number(length ?? 0) });
      add({ openness: 'open', address: { space: 'spa', value: hexAddress(address) } }, annotated);
    }
  }

  #pointedAt(
    { structure, label, count = 1 }: Pointer,
    { upTo, address, length }: { readonly upTo: number; readonly address: bigint; readonly length: number },
  ): AnnotatedBytes | undefined {
    const size =
      structure === undefined ? Math.min(length, LONGEST) : (STRUCTURES[structure]?.size ?? 0) * count;
    const { bytes, known } = this.#history.cells(upTo, spa(address), size);
    if (size === 0 || known.includes(0)) return undefined;
    if (structure === undefined) return packetData(bytes);
    return count === 1 ? oneStructure(structure, bytes, label) : manyStructures(structure, bytes, label);
  }

  #access(
    event: EventOf<'access'>,
    { at, command }: { readonly at: number; readonly command: string | undefined },
    add: Add,
  ): void {
    const value = event.gpa ?? event.segments[0]?.spa;
    const space = event.gpa === undefined ? 'spa' : 'gpa';
    const place = value === undefined ? {} : { address: { space, value } as const };
    const plain = bytesOf(event.closed, 'plain');
    if (plain !== undefined)
      for (const each of this.#handedOver(event, at, plain) ?? contentOf(plain, command))
        add({ openness: 'closed', ...place }, each);
    const cells = bytesOf(event.open, 'cells');
    // what the AMD-SP writes for the host is what a command's address leads to
    if (cells === undefined || event.view === 'private' || event.actor === 'amd-sp') return;
    const sent = this.#sent.findLast((each) => each.at < at && equal(each.bytes, cells));
    for (const each of sent ? listed(sentField(sent.field, cells)) : contentOf(cells, undefined))
      add({ openness: 'open', ...place }, each);
  }

  /** What lies at an address that the firmware hands over, or handed over last; undefined elsewhere. */
  #handedOver(event: EventOf<'access'>, at: number, plain: Uint8Array): AnnotatedBytes[] | undefined {
    const handover =
      event.actor === 'firmware'
        ? this.#handovers.find((each) => each.at > at)
        : this.#handovers.findLast((each) => each.at < at);
    if (event.gpa === undefined || handover === undefined) return undefined;
    const { bootParams, systemTable, memoryMap, secretArea } = handover.event;
    switch (event.gpa) {
      case bootParams:
        return bootParamsOf(plain);
      case systemTable:
        return listed(oneStructure('system-table', plain, 'EFI system table'));
      case handover.configurationTable:
        return listed(manyStructures('configuration-table', plain, 'EFI configuration tables'));
      case memoryMap:
        return listed(manyStructures('memory-descriptor', plain, 'EFI memory map'));
      case secretArea?.location:
        return listed(oneStructure('secret-location', plain, 'place of the secret area'));
      case secretArea?.base:
        return listed(
          secretTable(plain) ?? oneStructure('secret-header', plain, 'header of the secret table'),
        );
    }
    if (secretArea === undefined || plain.length !== SecretEntry.size) return undefined;
    const offset = BigInt(event.gpa) - BigInt(secretArea.base);
    if (offset < 0n || offset >= BigInt(secretArea.size)) return undefined;
    return listed(oneStructure('secret-entry', plain, 'entry of the secret table'));
  }
}

type Add = (where: Where, annotated: AnnotatedBytes | undefined) => void;

/** Where a part of the bytes at an address lies. */
function moved({ address, ...where }: Where, { offset = 0 }: AnnotatedBytes): Where {
  if (address === undefined) return where;
  return { ...where, address: { ...address, value: hexAddress(BigInt(address.value) + BigInt(offset)) } };
}

function handoversOf(events: readonly AnyEvent[]): HandedOver[] {
  const written = new Map<string, Uint8Array>();
  return events.flatMap((event, at) => {
    if (event.type === 'access' && event.actor === 'firmware' && event.gpa !== undefined) {
      const plain = bytesOf(event.closed, 'plain');
      if (plain !== undefined && event.operation === 'write') written.set(event.gpa, plain);
    }
    if (event.type !== 'handover') return [];
    const table = decoded(EfiSystemTable, written.get(event.systemTable));
    return [{ at, event, configurationTable: table && hexAddress(table.configurationTable) }];
  });
}

/** The AMD-SP answers in the buffer of the command. */
function answer(event: EventOf<'status'>, command: EventOf<'command'> | undefined, add: Add): void {
  const bytes = bytesOf(event.open, 'buffer');
  if (bytes === undefined || command === undefined) return;
  const address = { space: 'spa', value: command.bufferPaddr } as const;
  add({ openness: 'open', address }, bufferOf(event.name, bytes, 'answer in the command buffer'));
}

function bufferOf(command: string, bytes: Uint8Array, what: string): AnnotatedBytes | undefined {
  const layout = BUFFERS[command];
  const name = layout && NAMES.get(layout);
  return name === undefined ? undefined : oneStructure(name, bytes, `${command}, ${what}`);
}
