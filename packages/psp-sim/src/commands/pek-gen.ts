import { command, NO_BUFFER, plain } from '../command.ts';
import { createIdentity } from '../identity.ts';
import { changeIdentity } from '../identity-store.ts';

/** 55766, PEK_GEN. OCA, PEK and PDH are all new, and the platform owns itself again. */
export const PEK_GEN = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [['platform is INIT', ({ sp }) => sp.state.platform === 'INIT', 'INVALID_PLATFORM_STATE']],
  effect: ({ sp }) => {
    changeIdentity(sp, createIdentity(sp.cek, sp.state.profile.version, sp.entropy));
    return 'SUCCESS';
  },
});
