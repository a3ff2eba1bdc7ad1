import { InitBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { createIdentity } from '../identity.ts';
import { allAsids } from '../secure-processor.ts';

/** FLAGS bit 0. */
const FLAG_ES = 1;

/**
 * 55766, INIT; order as firmware 1.55 answers. The identity comes from the flash; what is missing is made.
 * NOT MODELLED: whether memory encryption is enabled on every core and channel (HWERROR_PLATFORM).
 */
export const INIT = command({
  buffer: InitBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is UNINIT', ({ sp }) => sp.state.platform === 'UNINIT', 'INVALID_PLATFORM_STATE'],
    ['FLAGS bits 15:1 are zero', ({ cmd }) => (cmd.flags & ~FLAG_ES) === 0, 'INVALID_CONFIG'],
    ['reserved fields are zero', ({ cmd }) => cmd.reserved02 === 0 && cmd.reserved04 === 0, 'INVALID_CONFIG'],
    ['SEV-ES is not asked for', ({ cmd }) => (cmd.flags & FLAG_ES) === 0, 'UNSUPPORTED'],
  ],
  effect: ({ sp }) => {
    const { state } = sp;
    state.stored ??= createIdentity(sp.cek, state.profile.version, sp.entropy);
    state.asids = allAsids('dirty', sp.maxAsid);
    sp.hardware.clearWbinvd();
    state.platform = 'INIT';
    return 'SUCCESS';
  },
});
