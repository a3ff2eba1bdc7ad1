import { PlatformStatusBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { isExternallyOwned } from '../identity.ts';
import { PLATFORM_STATE } from '../secure-processor.ts';

/** 55766, PLATFORM_STATUS; answers in every state. Before INIT nothing is known of owner, SEV-ES and guests: zeros. */
export const PLATFORM_STATUS = command({
  buffer: PlatformStatusBuffer,
  transfer: 'out',
  open: plain,
  preconditions: [],
  effect: ({ sp: { state }, cmd }) => {
    const { identity, es, guests, profile, platform } = state;
    Object.assign(cmd, {
      ...profile.version,
      state: PLATFORM_STATE[platform],
      owner: identity !== undefined && isExternallyOwned(identity) ? 1 : 0,
      config: es ? 1 : 0,
      guestCount: guests.size,
    } satisfies PlatformStatusBuffer);
    return 'SUCCESS';
  },
});
