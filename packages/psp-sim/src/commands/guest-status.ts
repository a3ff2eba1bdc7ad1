import { GuestStatusBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { GUEST_STATE } from '../guest.ts';

/** 55766, GUEST_STATUS. For a handle without a guest only STATE is written; POLICY and ASID stay as they came. */
export const GUEST_STATUS = command({
  buffer: GuestStatusBuffer,
  transfer: 'inout',
  open: plain,
  preconditions: [
    ['platform is INIT or WORKING', ({ sp }) => sp.state.platform !== 'UNINIT', 'INVALID_PLATFORM_STATE'],
  ],
  effect: ({ sp, cmd }) => {
    if (sp.hasGuest(cmd.handle)) {
      const { policy, asid, state } = sp.guest(cmd.handle);
      Object.assign(cmd, { policy, asid, state: GUEST_STATE[state] } satisfies Partial<GuestStatusBuffer>);
    } else {
      cmd.state = GUEST_STATE.UNINIT;
    }
    return 'SUCCESS';
  },
});
