import { SendUpdateBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { VMSA_SIZE } from '@sevlab/machine/vmsa';
import { type CommandContext, command, plain } from '../command.ts';
import type { Precondition } from '../preconditions.ts';
import { hasChecksum } from '../vmsa-cells.ts';
import { rangeRows, sendPacket, stateRows } from './send-update-data.ts';

type Context = CommandContext<SendUpdateBuffer>;

const readVmsa = ({ sp, cmd }: Context): Uint8Array =>
  sp.memory.readEncrypted(cmd.guestPaddr, VMSA_SIZE, sp.guest(cmd.handle).asid);

const hasItsChecksum = (context: Context): boolean =>
  hasChecksum(context.sp, context.sp.guest(context.cmd.handle), readVmsa(context));

const vmsaRows: readonly Precondition<Context>[] = [
  ['GUEST_LEN is 0x1000', ({ cmd }) => cmd.guestLen === VMSA_SIZE, 'INVALID_LENGTH'],
  ['guest has SEV-ES', ({ sp, cmd }) => hasPolicy(sp.guest(cmd.handle).policy, 'ES'), 'UNSUPPORTED'],
];

/**
 * 55766, SEND_UPDATE_VMSA; order as firmware 1.55 answers, as far as it is known. The page goes as the guest's core
 * left it, with the place of its checksum, which the receiver replaces.
 */
export const SEND_UPDATE_VMSA = command({
  buffer: SendUpdateBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [
    ...stateRows,
    ...vmsaRows,
    ...rangeRows,
    ['checksum of the VMSA matches', hasItsChecksum, 'INVALID_PARAM'],
  ],
  effect: (context) => {
    sendPacket(context, readVmsa(context), context.sp.state.profile.vmsaContext);
    return 'SUCCESS';
  },
});
