import { HandleBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { type Guest, ZERO_CHANNEL } from '../guest.ts';

/** 55766, SEND_CANCEL. The guest goes on here. */
export const SEND_CANCEL = command({
  buffer: HandleBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest is in SUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'SUPDATE', 'INVALID_GUEST_STATE'],
  ],
  effect: ({ sp, cmd }) => {
    Object.assign(sp.guest(cmd.handle), { state: 'RUNNING', channel: ZERO_CHANNEL } satisfies Partial<Guest>);
    return 'SUCCESS';
  },
});
