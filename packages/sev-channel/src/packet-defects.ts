import { concat } from '@sevlab/codec/bytes';
import type { PacketHeader } from '@sevlab/codec/sev/packet';
import { macEqual } from './mac.ts';
import { packetMac } from './packet.ts';

/**
 * How a packet was sealed whose MAC does not fit: `unbound`, without the measurement; `with MNONCE`, with all 48 bytes of
 * it; `keys exchanged`, TIK and TEK; `zero keys`, those of a launch
 * without a session.
 */
export type PacketDefect = 'unbound' | 'with MNONCE' | 'keys exchanged' | 'zero keys';

/** What the MAC of a packet is checked with. `measure` is absent before API 0.17; `mnonce`, 16 bytes, where it is known. */
export interface PacketKeys {
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
  readonly measure: Uint8Array | undefined;
  readonly mnonce?: Uint8Array;
}

/** The defect that makes the MAC fit; undefined when none does. */
export function packetDefect(
  { tek, tik, measure, mnonce }: PacketKeys,
  header: PacketHeader,
  data: Uint8Array,
): PacketDefect | undefined {
  const good = { tik, measure, header, guestLen: data.length, data };
  const candidates: readonly (readonly [PacketDefect, Partial<typeof good>])[] = [
    ['unbound', { measure: undefined }],
    ...(measure && mnonce ? [['with MNONCE', { measure: concat(measure, mnonce) }] as const] : []),
    ['keys exchanged', { tik: tek }],
    ['zero keys', { tik: new Uint8Array(16) }],
  ];
  return candidates.find(([, change]) => macEqual(header.mac, packetMac({ ...good, ...change })))?.[0];
}
