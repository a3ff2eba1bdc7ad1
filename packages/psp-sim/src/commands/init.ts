import { InitBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { takeIdentity } from '../identity-store.ts';
import { firstRows, initialise, tmrRows, withEs } from '../initialise.ts';

/** 55766, INIT; order as firmware 1.55 answers. The identity comes from the flash; if there is none, it is made. */
export const INIT = command({
  buffer: InitBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ...firstRows,
    ['reserved fields are zero', ({ cmd }) => cmd.reserved02 === 0 && cmd.reserved04 === 0, 'INVALID_CONFIG'],
    ...tmrRows.map(withEs),
  ],
  effect: (context) => {
    const identity = takeIdentity(context.sp, undefined);
    if (identity === undefined) return 'SECURE_DATA_INVALID';
    initialise(context, identity, undefined);
    return 'SUCCESS';
  },
});
