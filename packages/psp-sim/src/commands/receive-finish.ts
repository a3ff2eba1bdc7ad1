import { HandleBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { makeRunning } from '../running.ts';

/** 55766, RECEIVE_FINISH. The channel to the sending platform is closed; a pending guest may be run. */
export const RECEIVE_FINISH = command({
  buffer: HandleBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest is in RUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'RUPDATE', 'INVALID_GUEST_STATE'],
  ],
  effect: ({ sp, cmd }) => {
    makeRunning(sp, sp.guest(cmd.handle));
    return 'SUCCESS';
  },
});
