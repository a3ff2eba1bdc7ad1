import { command, NO_BUFFER, plain } from '../command.ts';
import { createPdh } from '../identity.ts';
import { changeIdentity } from '../identity-store.ts';

/** 55766, PDH_GEN. Guests that are there keep their channels: a session is bound to the PDH at LAUNCH_START only. */
export const PDH_GEN = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [
    ['platform is INIT or WORKING', ({ sp }) => sp.state.platform !== 'UNINIT', 'INVALID_PLATFORM_STATE'],
  ],
  effect: ({ sp }) => {
    const identity = sp.identity;
    changeIdentity(sp, { ...identity, pdh: createPdh(identity.pek, sp.state.profile.version, sp.entropy) });
    return 'SUCCESS';
  },
});
