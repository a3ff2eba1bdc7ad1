import { readSecretTable, SecretEntry } from '@sevlab/codec/efi/secret-table';
import { type AnyEvent, bytesOf, ofType } from './event.ts';

/** A byte of a secret: `offset` bytes from the start of its data. */
export interface SecretByte {
  readonly guid: string;
  readonly offset: number;
}

/** A packet that the guest owner sent; `plaintext` and `entries` only of a trace with closed bytes. */
interface Packet {
  readonly at: number;
  readonly data: Uint8Array | undefined;
  readonly plaintext: Uint8Array | undefined;
  readonly entries: ReturnType<typeof readSecretTable>['entries'];
}

/** All packets of a trace. */
export function packetsOf(events: readonly AnyEvent[]): Packet[] {
  return events.flatMap((event, at) => {
    if (event.type !== 'message' || event.name !== 'packet') return [];
    const plaintext = bytesOf(event.closed, 'plaintext');
    const entries = plaintext === undefined ? [] : readSecretTable(plaintext).entries;
    return [{ at, data: bytesOf(event.open, 'data'), plaintext, entries }];
  });
}

/** A packet with the byte in it, `index` bytes into table and data. */
export type Carrier = Packet & { readonly index: number };

/** The packets with a byte in them, from their plaintext, or else from where the kernel found it. */
export function carriersOf(events: readonly AnyEvent[], byte: SecretByte): Carrier[] {
  const packets = packetsOf(events);
  const told = packets.flatMap((packet) => {
    const entry = packet.entries.find(({ guid, data }) => guid === byte.guid && byte.offset < data.length);
    return entry === undefined ? [] : [{ ...packet, index: entry.offset + SecretEntry.size + byte.offset }];
  });
  if (told.length > 0) return told;
  const read = placeWhereRead(events, byte);
  if (read === undefined) return [];
  const packet = packets.findLast(({ at, plaintext }) => at < read.at && plaintext === undefined);
  const inside = read.index < (packet?.data?.length ?? 0);
  return packet !== undefined && inside ? [{ ...packet, index: read.index }] : [];
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
