import { ActivateBuffer } from '@sevlab/codec/sev/command';
import { activate, activationRows, asidInRange, isTaken } from '../activation.ts';
import { command, plain } from '../command.ts';

/** 55766, ACTIVATE; order as firmware 1.55 answers. */
export const ACTIVATE = command({
  buffer: ActivateBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    asidInRange,
    ['ASID has no guest', (context) => !isTaken(context), 'ASID_OWNED'],
    ['guest has no ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation === 'inactive', 'ACTIVE'],
    ...activationRows,
  ],
  effect: (context) => {
    activate(context);
    return 'SUCCESS';
  },
});
