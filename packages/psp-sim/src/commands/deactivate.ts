import { HandleBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';

/**
 * 55766, DEACTIVATE. The key stays in the slot. VERSION: firmware 1.55 gives the ASID of a guest that never ran
 * back as clean, the specification asks for WBINVD and DF_FLUSH.
 */
export const DEACTIVATE = command({
  buffer: HandleBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest has an ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation !== 'inactive', 'INACTIVE'],
  ],
  effect: ({ sp, cmd }) => {
    const guest = sp.guest(cmd.handle);
    const leavesClean = guest.activation === 'pending' && sp.state.profile.pendingLeavesClean;
    sp.state.asids[guest.asid] = leavesClean ? 'clean' : 'dirty';
    if (!leavesClean) sp.hardware.clearWbinvd();
    sp.memory.setRunnable(guest.asid, false);
    guest.asid = 0;
    guest.activation = 'inactive';
    return 'SUCCESS';
  },
});
