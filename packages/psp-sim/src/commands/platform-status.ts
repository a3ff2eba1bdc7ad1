import { PlatformStatusBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { PLATFORM_STATE } from '../secure-processor.ts';

/** 55766, PLATFORM_STATUS; answers in every state. */
export const PLATFORM_STATUS = command({
  buffer: PlatformStatusBuffer,
  transfer: 'out',
  open: plain,
  preconditions: [],
  effect: ({ sp: { state }, cmd }) => {
    Object.assign(cmd, {
      ...state.profile.version,
      state: PLATFORM_STATE[state.platform],
      owner: 0, // always self-owned: PEK_CERT_IMPORT is not there
      config: 0, // without SEV-ES
      guestCount: state.guests.size,
    } satisfies PlatformStatusBuffer);
    return 'SUCCESS';
  },
});
