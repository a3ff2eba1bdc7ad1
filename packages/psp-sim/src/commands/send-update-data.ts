import { isAligned } from '@sevlab/codec/address';
import { SendUpdateBuffer } from '@sevlab/codec/sev/command';
import { PacketHeader, TRANSPORT_CONTEXT } from '@sevlab/codec/sev/packet';
import { sealTransport } from '@sevlab/sev-channel/packet';
import { type CommandContext, command, plain } from '../command.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import { SCRATCH_SIZE } from '../scratch.ts';

type Context = CommandContext<SendUpdateBuffer>;

/** HDR_LEN suffices; if not, it becomes what is needed. */
function headerLengthSuffices({ cmd }: Context): boolean {
  if (cmd.hdrLen >= PacketHeader.size) return true;
  cmd.hdrLen = PacketHeader.size;
  return false;
}

/** TRANS_LEN suffices; if not, it becomes what is needed. */
function transLengthSuffices({ cmd }: Context): boolean {
  if (cmd.transLen >= cmd.guestLen) return true;
  cmd.transLen = cmd.guestLen;
  return false;
}

/** Checks of SEND_UPDATE_DATA and, around its own, of SEND_UPDATE_VMSA. */
export const stateRows: readonly Precondition<Context>[] = [
  ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
  ['HDR_LEN suffices', headerLengthSuffices, 'INVALID_LENGTH'],
  ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
  ['GUEST_LEN is not 0', ({ cmd }) => cmd.guestLen !== 0, 'INVALID_LENGTH'],
  ['GUEST_LEN is a multiple of 16', ({ cmd }) => isAligned(cmd.guestLen, 16), 'INVALID_LENGTH'],
  ['GUEST_LEN is within the limit', ({ cmd }) => cmd.guestLen <= SCRATCH_SIZE, 'INVALID_LENGTH'],
  ['TRANS_LEN suffices', transLengthSuffices, 'INVALID_LENGTH'],
  ['GUEST_PADDR is 16-byte aligned', ({ cmd }) => isAligned(cmd.guestPaddr, 16), 'INVALID_ADDRESS'],
  ['guest is in SUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'SUPDATE', 'INVALID_GUEST_STATE'],
];
export const rangeRows: readonly Precondition<Context>[] = [
  ['guest has an ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation !== 'inactive', 'INACTIVE'],
  ...reachable<Context>('GUEST_PADDR', ({ cmd }) => [cmd.guestPaddr, cmd.guestLen]),
  ...reachable<Context>('HDR_PADDR', ({ cmd }) => [cmd.hdrPaddr, PacketHeader.size]),
  ...reachable<Context>('TRANS_PADDR', ({ cmd }) => [cmd.transPaddr, cmd.guestLen]),
];

/** Seals bytes of the guest, and writes packet and lengths. `context` as for `transportMac`. */
export function sendPacket({ sp, cmd }: Context, plaintext: Uint8Array, context: 2 | 3): void {
  const { channel } = sp.guest(cmd.handle);
  const { header, data } = sealTransport({ ...channel, context, iv: sp.entropy.bytes(16), plaintext });
  sp.memory.write(cmd.hdrPaddr, PacketHeader.encode(header));
  sp.memory.write(cmd.transPaddr, data);
  Object.assign(cmd, {
    hdrLen: PacketHeader.size,
    transLen: data.length,
  } satisfies Partial<SendUpdateBuffer>);
}

/** 55766, SEND_UPDATE_DATA; order as firmware 1.55 answers, as far as it is known. */
export const SEND_UPDATE_DATA = command({
  buffer: SendUpdateBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [...stateRows, ...rangeRows],
  effect: (context) => {
    const { sp, cmd } = context;
    const plaintext = sp.memory.readEncrypted(cmd.guestPaddr, cmd.guestLen, sp.guest(cmd.handle).asid);
    sendPacket(context, plaintext, TRANSPORT_CONTEXT);
    return 'SUCCESS';
  },
});
