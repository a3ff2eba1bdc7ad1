import { isAligned } from '@sevlab/codec/address';
import { ReceiveUpdateBuffer } from '@sevlab/codec/sev/command';
import { COMPRESSED, PacketHeader, TRANSPORT_CONTEXT } from '@sevlab/codec/sev/packet';
import { macEqual } from '@sevlab/sev-channel/mac';
import { decryptPacket, transportMac } from '@sevlab/sev-channel/packet';
import { type CommandContext, command, once } from '../command.ts';
import type { Guest } from '../guest.ts';
import { headerLengthIsRight } from '../header-length.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import { SCRATCH_SIZE } from '../scratch.ts';
import type { SecureProcessor } from '../secure-processor.ts';

interface Context extends CommandContext<ReceiveUpdateBuffer> {
  readonly guest: () => Guest;
  readonly header: () => PacketHeader;
  readonly data: () => Uint8Array;
}

/** Reads the packet when a row first asks. */
export function openPacket(sp: SecureProcessor, cmd: ReceiveUpdateBuffer): Context {
  return {
    sp,
    cmd,
    guest: () => sp.guest(cmd.handle),
    header: once(() => PacketHeader.decode(sp.memory.read(cmd.hdrPaddr, PacketHeader.size))),
    data: once(() => sp.memory.read(cmd.transPaddr, cmd.transLen)),
  };
}

/** Checks of RECEIVE_UPDATE_DATA and, around its own, of RECEIVE_UPDATE_VMSA. */
export const stateRows: readonly Precondition<Context>[] = [
  ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
  ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
  ['HDR_LEN is 0x34', headerLengthIsRight, 'INVALID_LENGTH'],
  ['GUEST_LEN is not 0', ({ cmd }) => cmd.guestLen !== 0, 'INVALID_LENGTH'],
  ['GUEST_LEN is a multiple of 16', ({ cmd }) => isAligned(cmd.guestLen, 16), 'INVALID_LENGTH'],
  ['GUEST_LEN is within the limit', ({ cmd }) => cmd.guestLen <= SCRATCH_SIZE, 'INVALID_LENGTH'],
  ['TRANS_LEN equals GUEST_LEN', ({ cmd }) => cmd.transLen === cmd.guestLen, 'INVALID_LENGTH'],
  ['GUEST_PADDR is 16-byte aligned', ({ cmd }) => isAligned(cmd.guestPaddr, 16), 'INVALID_ADDRESS'],
  ['guest is in RUPDATE', ({ guest }) => guest().state === 'RUPDATE', 'INVALID_GUEST_STATE'],
];
export const rangeRows: readonly Precondition<Context>[] = [
  ['guest has an ASID', ({ guest }) => guest().activation !== 'inactive', 'INACTIVE'],
  ...reachable<Context>('HDR_PADDR', ({ cmd }) => [cmd.hdrPaddr, PacketHeader.size]),
  ...reachable<Context>('GUEST_PADDR', ({ cmd }) => [cmd.guestPaddr, cmd.guestLen]),
  ...reachable<Context>('TRANS_PADDR', ({ cmd }) => [cmd.transPaddr, cmd.transLen]),
  ['packet is not COMPRESSED', ({ header }) => (header().flags & COMPRESSED) === 0, 'UNSUPPORTED'],
];

/** The last row: `contextOf` as for `transportMac`. */
export const macRow = (contextOf: (sp: SecureProcessor) => 2 | 3): Precondition<Context> => [
  'MAC matches',
  ({ sp, cmd, guest, header, data }) => {
    const { tik } = guest().channel;
    const packet = { header: header(), guestLen: cmd.guestLen, data: data() };
    return macEqual(header().mac, transportMac({ tik, context: contextOf(sp), ...packet }));
  },
  'BAD_MEASUREMENT',
];

/** The bytes of a packet whose MAC matched. */
export const openedPacket = ({ guest, header, data }: Context): Uint8Array =>
  decryptPacket(guest().channel.tek, header().iv, data());

/** 55766, RECEIVE_UPDATE_DATA; order as firmware 1.55 answers. COMPRESSED is looked at before the MAC. */
export const RECEIVE_UPDATE_DATA = command({
  buffer: ReceiveUpdateBuffer,
  transfer: 'in',
  open: openPacket,
  preconditions: [...stateRows, ...rangeRows, macRow(() => TRANSPORT_CONTEXT)],
  effect: (context) => {
    const { sp, cmd, guest } = context;
    sp.memory.writeEncrypted(cmd.guestPaddr, openedPacket(context), guest().asid);
    return 'SUCCESS';
  },
});
