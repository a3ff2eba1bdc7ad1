import { command, NO_BUFFER, plain } from '../command.ts';
import type { SecureProcessorState } from '../secure-processor.ts';

/**
 * 55766, SHUTDOWN. Guests are gone without DEACTIVATE or DECOMMISSION; the identity stays stored. VERSION: firmware
 * 1.55 takes it in UNINIT too.
 */
export const SHUTDOWN = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [
    [
      'platform is INIT or WORKING, where that matters',
      ({ sp: { state } }) => state.profile.shutdownInUninit || state.platform !== 'UNINIT',
      'INVALID_PLATFORM_STATE',
    ],
  ],
  effect: ({ sp }) => {
    for (const { asid } of sp.state.guests.values()) sp.memory.setRunnable(asid, false);
    sp.state.guests.clear();
    Object.assign(sp.state, {
      platform: 'UNINIT',
      es: false,
      tmr: undefined,
      vmsaCells: 0,
      identity: undefined,
      nvPaddr: undefined,
    } satisfies Partial<SecureProcessorState>);
    return 'SUCCESS';
  },
});
