import { hexAddress, spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import {
  BOOT_PARAMS_SIZE,
  E820_ENTRIES_OFFSET,
  E820_TABLE_OFFSET,
  E820Entry,
  EFI_INFO_OFFSET,
} from '@sevlab/codec/efi/boot-params';
import { SecretEntry } from '@sevlab/codec/efi/secret-table';
import { EfiSystemTable } from '@sevlab/codec/efi/system-table';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_BUFFERS } from '@sevlab/codec/sev/command';
import { STRUCTURES } from '@sevlab/codec/structures';
import { type AnyEvent, bytesOf, decoded, type EventOf, ofType } from './event.ts';
import { MemoryHistory } from './memory-history.ts';
import type { Step } from './steps.ts';
import { type AnnotatedBytes, manyStructures, oneStructure, plainField } from './structure-fields.ts';
import { hashesTable, secretTable } from './tables.ts';

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

/** What a message has under a name. */
const MESSAGE_FIELDS: Readonly<Record<string, readonly [structure: string, label: string]>> = {
  pdh: ['certificate', 'PDH certificate'],
  pek: ['certificate', 'PEK certificate'],
  oca: ['certificate', 'OCA certificate'],
  cek: ['certificate', 'CEK certificate'],
  ask: ['amd-certificate-head', 'ASK certificate'],
  ark: ['amd-certificate-head', 'ARK certificate'],
  godh: ['certificate', "guest owner's certificate"],
  session: ['session', 'launch session'],
  measurement: ['measurement', 'measurement'],
  header: ['packet-header', 'packet header'],
};

/** What a command's address leads to, and whether the AMD-SP fills it in. */
interface Pointer {
  readonly field: string;
  readonly structure: string;
  readonly label: string;
  readonly written?: true;
  readonly count?: number;
}

const POINTERS: Readonly<Record<string, readonly Pointer[]>> = {
  PDH_CERT_EXPORT: [
    { field: 'pdhPaddr', structure: 'certificate', label: 'PDH certificate', written: true },
    {
      field: 'certsPaddr',
      structure: 'certificate',
      label: 'PEK, OCA and CEK certificates',
      written: true,
      count: 3,
    },
  ],
  LAUNCH_START: [
    { field: 'dhCertPaddr', structure: 'certificate', label: "guest owner's certificate" },
    { field: 'sessionPaddr', structure: 'session', label: 'launch session' },
  ],
  LAUNCH_MEASURE: [{ field: 'measurePaddr', structure: 'measurement', label: 'measurement', written: true }],
  LAUNCH_SECRET: [{ field: 'hdrPaddr', structure: 'packet-header', label: 'packet header' }],
  ATTESTATION: [
    { field: 'paddr', structure: 'attestation-report', label: 'attestation report', written: true },
  ],
  SEND_START: [
    { field: 'pdhCertPaddr', structure: 'certificate', label: "receiver's certificate" },
    { field: 'sessionPaddr', structure: 'session', label: 'session for the receiver', written: true },
  ],
  SEND_UPDATE_DATA: [
    { field: 'hdrPaddr', structure: 'packet-header', label: 'packet header', written: true },
  ],
};

/** What starts with these characters. */
const SIGNATURES: readonly (readonly [text: string, structure: string, label: string])[] = [
  ['IBI SYST', 'system-table', 'EFI system table'],
  ['sevlabFW', 'manifest', 'image manifest'],
  ['sevlabENC', 'encrypted-file', 'encrypted file'],
  ['RSD PTR ', 'rsdp', 'ACPI root pointer'],
  ['FACP', 'fadt', 'FADT'],
  ['FACS', 'facs', 'FACS'],
  ['APIC', 'madt', 'MADT'],
  ['_SM3_', 'smbios3-entry-point', 'SMBIOS 3 entry point'],
  ['_SM_', 'smbios-entry-point', 'SMBIOS entry point'],
];
/** Characters. */
const LONGEST_SIGNATURE = 9;

const NAMES = new Map(Object.entries(STRUCTURES).map(([name, structure]) => [structure, name]));
const BUFFERS: Readonly<Record<string, Struct<unknown>>> = COMMAND_BUFFERS;

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
    for (const { field, structure, label, written, count = 1 } of POINTERS[event.name] ?? []) {
      const address: unknown = fields.get(field);
      if (typeof address !== 'bigint' || address === 0n || (written && !done)) continue;
      const size = (STRUCTURES[structure]?.size ?? 0) * count;
      const { bytes: cells, known } = this.#history.cells(written ? last + 1 : at, spa(address), size);
      if (known.includes(0)) continue;
      const annotated =
        count === 1 ? oneStructure(structure, cells, label) : manyStructures(structure, cells, label);
      add({ openness: 'open', address: { space: 'spa', value: hexAddress(address) } }, annotated);
    }
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

const listed = (annotated: AnnotatedBytes | undefined): AnnotatedBytes[] =>
  annotated === undefined ? [] : [annotated];

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

function sentField(field: string, bytes: Uint8Array): AnnotatedBytes | undefined {
  if (field === 'data') {
    const clause = '55766, LAUNCH_SECRET';
    const doc = 'The secret table and its padding, encrypted with AES-128-CTR under the TEK.';
    const fields = [plainField({ name: 'data', offset: 0, length: bytes.length, doc, clause }, bytes)];
    return { label: 'packet data', bytes, fields, clause };
  }
  const known = Object.hasOwn(MESSAGE_FIELDS, field) ? MESSAGE_FIELDS[field] : undefined;
  return known && oneStructure(known[0], bytes, known[1]);
}

/** What bytes are by what they start with, or by the command that writes them. */
function contentOf(bytes: Uint8Array, command: string | undefined): AnnotatedBytes[] {
  const table = secretTable(bytes) ?? hashesTable(bytes);
  if (table !== undefined) return [table];
  if (command === 'LAUNCH_UPDATE_VMSA') return listed(oneStructure('vmsa', bytes, 'VMSA'));
  const start = String.fromCharCode(...bytes.subarray(0, LONGEST_SIGNATURE));
  const known = SIGNATURES.find(([text]) => start.startsWith(text));
  return known === undefined ? [] : listed(oneStructure(known[1], bytes, known[2]));
}

/** What of boot_params concerns EFI and memory. */
function bootParamsOf(bytes: Uint8Array): AnnotatedBytes[] {
  if (bytes.length < BOOT_PARAMS_SIZE) return [];
  const end = E820_TABLE_OFFSET + bytes[E820_ENTRIES_OFFSET]! * E820Entry.size;
  return [
    {
      annotated: oneStructure('efi-info', bytes.subarray(EFI_INFO_OFFSET), 'efi_info'),
      offset: EFI_INFO_OFFSET,
    },
    {
      annotated: manyStructures('e820-entry', bytes.subarray(E820_TABLE_OFFSET, end), 'e820 table'),
      offset: E820_TABLE_OFFSET,
    },
  ].flatMap(({ annotated, offset }) => (annotated === undefined ? [] : [{ ...annotated, offset }]));
}
