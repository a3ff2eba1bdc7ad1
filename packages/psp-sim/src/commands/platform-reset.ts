import { command, NO_BUFFER, plain } from '../command.ts';

/** 55766, PLATFORM_RESET: erases the identity in the flash. An area of INIT_EX is the host's to erase. */
export const PLATFORM_RESET = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [
    ['platform is UNINIT', ({ sp }) => sp.state.platform === 'UNINIT', 'INVALID_PLATFORM_STATE'],
  ],
  effect: ({ sp }) => {
    sp.state.stored = undefined;
    return 'SUCCESS';
  },
});
