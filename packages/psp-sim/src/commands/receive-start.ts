import { ReceiveStartBuffer } from '@sevlab/codec/sev/command';
import { command } from '../command.ts';
import { createGuest, type Guest } from '../guest.ts';
import {
  openSession,
  policyRows,
  putGuest,
  type SessionContext,
  sessionRows,
  slotRows,
  takeVekSeed,
} from '../guest-start.ts';

/** A guest that was measured elsewhere: here its digest is zero (firmware behaviour (Genoa 1.55)). */
const arriving = { state: 'RUPDATE', launchDigest: new Uint8Array(32) } as const satisfies Partial<Guest>;

/** 55766, RECEIVE_START; as LAUNCH_START, but never without a session. */
export const RECEIVE_START = command({
  buffer: ReceiveStartBuffer,
  transfer: 'inout',
  open: (sp, cmd): SessionContext<ReceiveStartBuffer> =>
    openSession(sp, cmd, [cmd.pdhCertPaddr, cmd.pdhCertLen]),
  preconditions: [
    ['platform is INIT or WORKING', ({ sp }) => sp.state.platform !== 'UNINIT', 'INVALID_PLATFORM_STATE'],
    ...sessionRows<ReceiveStartBuffer>('PDH_CERT'),
    ...policyRows,
    ...slotRows,
  ],
  effect: (context) => {
    const vekSeed = takeVekSeed(context);
    const guest = createGuest(context.cmd.policy, vekSeed, context.keys()!);
    putGuest(context, { ...guest, ...arriving });
    return 'SUCCESS';
  },
});
