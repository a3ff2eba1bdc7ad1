import { command, NO_BUFFER, plain } from '../command.ts';

/** 55766, SHUTDOWN; never refused. Guests are gone without DEACTIVATE or DECOMMISSION; the flash stays. */
export const SHUTDOWN = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [],
  effect: ({ sp }) => {
    for (const { asid } of sp.state.guests.values()) sp.memory.setRunnable(asid, false);
    sp.state.guests.clear();
    sp.state.platform = 'UNINIT';
    return 'SUCCESS';
  },
});
