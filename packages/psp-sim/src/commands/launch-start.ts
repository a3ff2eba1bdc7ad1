import { LaunchStartBuffer } from '@sevlab/codec/sev/command';
import { command } from '../command.ts';
import { type Channel, createGuest, ZERO_CHANNEL } from '../guest.ts';
import {
  openSession,
  policyRows,
  putGuest,
  type SessionContext,
  sessionRows,
  slotRows,
  takeVekSeed,
} from '../guest-start.ts';
import type { Precondition } from '../preconditions.ts';

type Context = SessionContext<LaunchStartBuffer>;

/** DH_CERT_PADDR 0 means a launch without a session. */
const hasSession = ({ cmd }: Context): boolean => cmd.dhCertPaddr !== 0n;

/** Checked only when there is a session. */
const withSession = ([condition, holds, ...status]: Precondition<Context>): Precondition<Context> => [
  condition,
  (context) => !hasSession(context) || holds(context),
  ...status,
];

/** Checked only when there is a session, unless the profile asks for it in any case. */
const withSessionOrStrict = ([condition, holds, ...status]: Precondition<Context>): Precondition<Context> => [
  condition,
  (context) => (!hasSession(context) && !context.sp.state.profile.sessionlessPolicyChecked) || holds(context),
  ...status,
];

/**
 * 55766, LAUNCH_START; order as firmware 1.55 answers. The certificate's signatures are not looked at.
 * VERSION: without a session firmware 1.55 checks neither the reserved bits nor the version of the policy, and the
 * transport keys are zero; this follows the firmware.
 */
export const LAUNCH_START = command({
  buffer: LaunchStartBuffer,
  transfer: 'inout',
  open: (sp, cmd): Context => openSession(sp, cmd, [cmd.dhCertPaddr, cmd.dhCertLen]),
  preconditions: [
    ['platform is INIT or WORKING', ({ sp }) => sp.state.platform !== 'UNINIT', 'INVALID_PLATFORM_STATE'],
    [
      'there is a session, or none is needed',
      (context) => hasSession(context) || context.sp.state.profile.sessionless !== 'refuse',
      'INVALID_ADDRESS',
    ],
    ...sessionRows<LaunchStartBuffer>('DH_CERT').map(withSession),
    ...policyRows.map(withSessionOrStrict),
    ...slotRows,
  ],
  effect: (context) => {
    const { cmd, keys } = context;
    const vekSeed = takeVekSeed(context);
    putGuest(
      context,
      createGuest(cmd.policy, vekSeed, hasSession(context) ? keys()! : sessionlessKeys(context)),
    );
    return 'SUCCESS';
  },
});

/** What nobody agreed on: firmware 1.55 leaves zeros, with which the host can forge measurements and packets. */
const sessionlessKeys = ({ sp }: Context): Channel =>
  sp.state.profile.sessionless === 'randomKeys'
    ? { tek: sp.entropy.bytes(16), tik: sp.entropy.bytes(16) }
    : ZERO_CHANNEL;
