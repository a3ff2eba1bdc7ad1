import { command, NO_BUFFER, plain } from '../command.ts';

/**
 * 55766, DF_FLUSH. VERSION: firmware 1.55 does not look at the platform state, the specification asks for INIT or
 * WORKING; this follows the firmware. NOT MODELLED: cores that execute WBINVD one by one; here all do or none.
 */
export const DF_FLUSH = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [['every core executed WBINVD', ({ sp }) => sp.hardware.wbinvdDone(), 'WBINVD_REQUIRED']],
  effect: ({ sp: { state } }) => {
    state.asids = state.asids.map((asid) => (asid === 'dirty' ? 'clean' : asid));
    return 'SUCCESS';
  },
});
