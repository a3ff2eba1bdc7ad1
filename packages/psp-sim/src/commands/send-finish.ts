import { HandleBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { type Guest, ZERO_CHANNEL } from '../guest.ts';

/** 55766, SEND_FINISH. The guest stays, in a state without a way back, until it is decommissioned. */
export const SEND_FINISH = command({
  buffer: HandleBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest is in SUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'SUPDATE', 'INVALID_GUEST_STATE'],
  ],
  effect: ({ sp, cmd }) => {
    Object.assign(sp.guest(cmd.handle), { state: 'SENT', channel: ZERO_CHANNEL } satisfies Partial<Guest>);
    return 'SUCCESS';
  },
});
