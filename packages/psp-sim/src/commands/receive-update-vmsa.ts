import { ReceiveUpdateBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { VMSA_SIZE } from '@sevlab/machine/vmsa';
import { command } from '../command.ts';
import { hasFreeCell, placeVmsa } from '../vmsa-cells.ts';
import { macRow, openedPacket, openPacket, rangeRows, stateRows } from './receive-update-data.ts';

/** 55766, RECEIVE_UPDATE_VMSA; order as firmware 1.55 answers, as far as it is known. */
export const RECEIVE_UPDATE_VMSA = command({
  buffer: ReceiveUpdateBuffer,
  transfer: 'in',
  open: openPacket,
  preconditions: [
    ...stateRows,
    ['GUEST_LEN is 0x1000', ({ cmd }) => cmd.guestLen === VMSA_SIZE, 'INVALID_LENGTH'],
    ['guest has SEV-ES', ({ guest }) => hasPolicy(guest().policy, 'ES'), 'UNSUPPORTED'],
    ...rangeRows,
    macRow((sp) => sp.state.profile.vmsaContext),
    ['a checksum cell is free', ({ sp }) => hasFreeCell(sp), 'RESOURCE_LIMIT'],
  ],
  effect: (context) => {
    const { sp, cmd, guest } = context;
    placeVmsa(sp, guest(), cmd.guestPaddr, openedPacket(context));
    return 'SUCCESS';
  },
});
