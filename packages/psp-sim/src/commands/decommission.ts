import { HandleBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { returnCells } from '../vmsa-cells.ts';

/** 55766, DECOMMISSION. The seed of the memory key is gone for good, unless a guest shares it. */
export const DECOMMISSION = command({
  buffer: HandleBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest has no ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation === 'inactive', 'ACTIVE'],
  ],
  effect: ({ sp, cmd }) => {
    const { state } = sp;
    returnCells(sp, sp.guest(cmd.handle));
    state.guests.delete(cmd.handle);
    if (state.guests.size === 0) state.platform = 'INIT';
    return 'SUCCESS';
  },
});
